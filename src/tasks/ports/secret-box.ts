/** Keeps what a client entrusted to the server unreadable in the store; implemented with a key of the installation. */
import type { TaskId } from '../ids.ts';

/** What a sealed text belongs to: it opens nowhere else. */
export interface SealPlace {
  readonly task: TaskId;
  readonly index: number;
}

export interface SecretBox {
  /** Different at each call. */
  seal(place: SealPlace, bytes: Uint8Array): string;
  /** @throws MagnetarError SECRET_UNREADABLE when it was sealed by another installation or for another place, or changed */
  open(place: SealPlace, sealed: string): Uint8Array;
  /** The same for the same text, and no help in guessing it without the key. */
  print(text: string): string;
}
