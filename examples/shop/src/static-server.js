import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const types = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".ppm": "image/x-portable-pixmap" };

/** Serves the files below `root` on a free port of loopback. */
export function serve(root) {
  const server = createServer((request, response) => {
    const path = join(root, normalize(new URL(request.url, "http://shop").pathname));
    const file = path.endsWith("/") ? join(path, "index.html") : path;
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return response.writeHead(404).end("not here\n");
    response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}
