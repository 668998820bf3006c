// A value with bytes beside it: what a payload is when its larger part should not be written as JSON.

export class WithBytes<Value = unknown> {
  readonly value: Value;
  readonly bytes: Uint8Array;

  constructor(value: Value, bytes: Uint8Array) {
    this.value = value;
    this.bytes = bytes;
  }
}
