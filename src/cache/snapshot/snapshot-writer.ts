import { crc32, type FileDraft } from '../../core/runtime.ts';
import { headerBytes, preamble, preambleBytes } from './snapshot-layout.ts';

/** Writes the blocks of a snapshot into a draft of the file. */
export class SnapshotWriter {
  /** Written so far. */
  bytes = 0;
  readonly #draft: FileDraft;
  #crc = 0;

  constructor(draft: FileDraft) {
    this.#draft = draft;
  }

  async begin(): Promise<void> {
    const bytes = preamble();
    this.#crc = crc32(bytes.subarray(0, preambleBytes - 4));
    bytes.writeUInt32BE(this.#crc, preambleBytes - 4);
    await this.#write(bytes);
  }

  /** `block`: room for the header, then the content. It may be used again when this is fulfilled. */
  async block(kind: number, block: Buffer): Promise<void> {
    block[0] = kind;
    block.writeUInt32BE(block.length - headerBytes, 1);
    this.#crc = crc32(block.subarray(headerBytes), crc32(block.subarray(0, 5), this.#crc));
    block.writeUInt32BE(this.#crc, 5);
    await this.#write(block);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#draft.write(bytes);
    this.bytes += bytes.length;
  }
}
