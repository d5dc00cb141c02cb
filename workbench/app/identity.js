// Keeps who one is in two cookies, and says what they hold when another tab has changed them.
const YEAR_S = 365 * 24 * 3600;

function read(name) {
  const part = document.cookie.split("; ").find((text) => text.startsWith(`${name}=`));
  try {
    return part ? decodeURIComponent(part.slice(name.length + 1)) : "";
  } catch {
    return ""; // not written by us
  }
}

function write(name, text) {
  const value = encodeURIComponent(text);
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR_S}; SameSite=Lax`;
}

export default function ({ data, parentElement, setStateValue }) {
  if (!read("workbench_client")) write("workbench_client", data.client);
  if (data.is_new) write("workbench_name", data.name);
  const report = () => {
    const client = read("workbench_client");
    const name = read("workbench_name");
    if (client && (client !== data.client || name !== data.name || data.is_new)) {
      setStateValue("browser", { client, name });
    }
  };
  report();
  // Another tab may have changed them; each call takes the place of the one before.
  document.removeEventListener("visibilitychange", parentElement.onShown);
  parentElement.onShown = () => document.hidden || report();
  document.addEventListener("visibilitychange", parentElement.onShown);
  return () => document.removeEventListener("visibilitychange", parentElement.onShown);
}
