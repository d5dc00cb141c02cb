// An image that is pasted anywhere on the page goes the way of a dropped one: into the uploader.
// Where that is not on the screen, the server is asked for it first.
let kept = null; // pasted before the uploader was there

const uploader = () =>
  document.querySelector('[data-testid="stFileUploader"] input[type="file"]:not([webkitdirectory])');

function handOver(input, files) {
  const chosen = new DataTransfer();
  for (const file of files) chosen.items.add(file);
  input.files = chosen.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

export default function ({ data, setTriggerValue }) {
  let isOver = false;
  const paste = (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    kept = files;
    if (data.takes) later();
    else setTriggerValue("pasted", files.length);
  };
  const later = () => {
    const input = uploader();
    if (isOver || !kept) return;
    if (!input || input.disabled) return void requestAnimationFrame(later);
    handOver(input, kept);
    kept = null;
  };
  if (data.takes) later();
  document.addEventListener("paste", paste);
  return () => {
    isOver = true;
    document.removeEventListener("paste", paste);
  };
}
