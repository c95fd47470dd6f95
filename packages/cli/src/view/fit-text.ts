import stringWidth from "string-width";

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Text on exactly `width` terminal cells: padded with spaces, or cut with `…`. The text has no control characters. */
export function fitText(text: string, width: number, align: "left" | "right" = "left"): string {
  const cut = cutText(text, width);
  const padding = " ".repeat(Math.max(0, width - stringWidth(cut)));
  return align === "left" ? cut + padding : padding + cut;
}

/** Text on at most `width` terminal cells. */
export function cutText(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  if (width <= 0) return "";
  let cut = "";
  let used = 1;
  for (const { segment } of graphemes.segment(text)) {
    used += stringWidth(segment);
    if (used > width) break;
    cut += segment;
  }
  return `${cut}…`;
}

/** Makes text from outside (job names, error messages, log lines) harmless to a terminal: control characters go. */
export function plainText(text: string): string {
  return text.replace(controlCharacters, "");
}

/** Escape sequences (CSI such as `ESC [ 31 m`, OSC such as `ESC ] 0 ; title BEL`), then every other C0 and C1 control but tab. */
const controlCharacters =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;
