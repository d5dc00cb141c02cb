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

export default function ({ data, setStateValue }) {
  const keep = () => {
    if (!read("workbench_client")) write("workbench_client", data.client);
    if (data.is_new) write("workbench_name", data.name);
  };
  const report = () => {
    const client = read("workbench_client");
    const name = read("workbench_name");
    if (client && (client !== data.client || name !== data.name || data.is_new)) {
      setStateValue("browser", { client, name });
    }
  };
  const onShown = () => document.hidden || report();
  keep();
  report();
  document.addEventListener("visibilitychange", onShown);
  return () => document.removeEventListener("visibilitychange", onShown);
}
