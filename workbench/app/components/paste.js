// An image that is pasted anywhere on the page goes the way of a dropped one: into the uploader.
export default function () {
  const paste = (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    const input = document.querySelector('[data-testid="stFileUploader"] input[type="file"]');
    if (!files.length || !input || input.disabled) return;
    const chosen = new DataTransfer();
    for (const file of files) chosen.items.add(file);
    input.files = chosen.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    event.preventDefault();
  };
  document.addEventListener("paste", paste);
  return () => document.removeEventListener("paste", paste);
}
