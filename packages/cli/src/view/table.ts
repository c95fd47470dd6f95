import stringWidth from "string-width";
import { fitText, plainText } from "./fit-text.ts";
import type { Palette } from "./palette.ts";

export interface TableColumn {
  readonly title: string;
  /** Default: left. Numbers read better on the right. */
  readonly align?: "left" | "right";
}

/** Rows as aligned columns under a dim heading. Cells are one line each; long ones are cut at `maxCellWidth` (default 60). */
export function tableLines(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  { palette, maxCellWidth = 60 }: { palette: Palette; maxCellWidth?: number },
): string[] {
  const cells = rows.map((row) =>
    columns.map((_, index) => plainText((row[index] ?? "").replaceAll(/\s*\n\s*/g, " "))),
  );
  const widths = columns.map(({ title }, index) =>
    Math.min(
      maxCellWidth,
      cells.reduce((most, row) => Math.max(most, stringWidth(row[index] ?? "")), stringWidth(title)),
    ),
  );
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) => fitText(text, widths[index] ?? 0, columns[index]?.align ?? "left"))
      .join("  ")
      .trimEnd();
  return [palette.dim(line(columns.map(({ title }) => title))), ...cells.map(line)];
}
