import { ByteWriter } from "./byte-writer.ts";

/** One column of a block, in the form of ClickHouse's Native format. */
export interface NativeColumn {
  /** The type as ClickHouse spells it. */
  readonly type: string;
  /** Writes what precedes all data of the column (only LowCardinality has something to say). */
  writePrefix(out: ByteWriter): void;
  writeData(out: ByteWriter): void;
}

/** `String`. */
export class TextColumn implements NativeColumn {
  readonly type = "String";
  readonly values = new ByteWriter();

  push(value: string): void {
    this.values.text(value);
  }

  writePrefix(): void {}

  writeData(out: ByteWriter): void {
    out.raw(this.values.written());
  }
}

/** `DateTime64(9)` (nanoseconds since the epoch) or `UInt64`: 64 bits each. */
export class Int64Column implements NativeColumn {
  readonly type: "DateTime64(9)" | "UInt64";
  readonly #values = new ByteWriter();

  constructor(type: "DateTime64(9)" | "UInt64") {
    this.type = type;
  }

  push(value: bigint): void {
    this.#values.int64(value);
  }

  writePrefix(): void {}

  writeData(out: ByteWriter): void {
    out.raw(this.#values.written());
  }
}

/** `LowCardinality(String)`: a dictionary of the block's distinct values, and for each row a place in it. */
export class DictionaryColumn implements NativeColumn {
  readonly type = "LowCardinality(String)";
  /** Places in the dictionary, 32 bits each; written in the narrowest width that holds them. */
  readonly places = new ByteWriter();
  readonly #placeByValue = new Map<string, number>();

  push(value: string): void {
    let place = this.#placeByValue.get(value);
    if (place === undefined) {
      place = this.#placeByValue.size;
      this.#placeByValue.set(value, place);
    }
    this.places.uint32(place);
  }

  /** Version 1, "shared dictionaries with additional keys": the only one there is. */
  writePrefix(out: ByteWriter): void {
    out.count(1);
  }

  /** Flags 0x600: the keys are in this block, and replace any before. Nothing at all is written for no rows. */
  writeData(out: ByteWriter): void {
    const places = this.places.written();
    if (places.length === 0) return;
    const size = this.#placeByValue.size;
    const width = size <= 0x100 ? 0 : size <= 0x10000 ? 1 : 2;
    out.count(0x600 | width);
    out.count(size);
    for (const value of this.#placeByValue.keys()) out.text(value);
    out.count(places.length / 4);
    for (let at = 0; at < places.length; at += 4) {
      const place = places.readUInt32LE(at);
      if (width === 0) out.byte(place);
      else if (width === 1) out.uint16(place);
      else out.uint32(place);
    }
  }
}

/** `Array(T)`: how many elements all rows up to each one have, then the elements as a column. */
export class ArrayColumn<T extends NativeColumn> implements NativeColumn {
  readonly type: string;
  readonly elements: T;
  readonly #offsets = new ByteWriter();
  #total = 0;

  constructor(elements: T) {
    this.type = `Array(${elements.type})`;
    this.elements = elements;
  }

  /** Ends a row: `count` elements were pushed for it. */
  endRow(count: number): void {
    this.#total += count;
    this.#offsets.count(this.#total);
  }

  writePrefix(out: ByteWriter): void {
    this.elements.writePrefix(out);
  }

  writeData(out: ByteWriter): void {
    out.raw(this.#offsets.written());
    this.elements.writeData(out);
  }
}

/** `Map(LowCardinality(String), String)`: in bytes an array of pairs, keys and values apart. */
export class AttributesColumn implements NativeColumn {
  readonly type = "Map(LowCardinality(String), String)";
  readonly #offsets = new ByteWriter();
  readonly #keys = new DictionaryColumn();
  readonly #values = new TextColumn();
  #total = 0;
  /** The attributes of the last row and where their bytes stand: spans of one resource repeat them. */
  #last: { attributes: object; keysAt: number; valuesAt: number } | undefined;

  push(attributes: { readonly keys: readonly string[]; readonly values: readonly string[] }): void {
    const keysAt = this.#keys.places.length;
    const valuesAt = this.#values.values.length;
    if (this.#last?.attributes === attributes) {
      this.#keys.places.repeat(this.#last.keysAt, keysAt);
      this.#values.values.repeat(this.#last.valuesAt, valuesAt);
    } else {
      for (const key of attributes.keys) this.#keys.push(key);
      for (const value of attributes.values) this.#values.push(value);
    }
    this.#last = { attributes, keysAt, valuesAt };
    this.#total += attributes.keys.length;
    this.#offsets.count(this.#total);
  }

  writePrefix(out: ByteWriter): void {
    this.#keys.writePrefix(out);
  }

  writeData(out: ByteWriter): void {
    out.raw(this.#offsets.written());
    this.#keys.writeData(out);
    this.#values.writeData(out);
  }
}
