// SPDX-License-Identifier: MIT
// Server-sent events: text in pieces of any size -> the data of each event (api.md 4.3). Comments and other fields are dropped.

export class SseParser {
  private rest = '';
  private data: string[] = [];

  /** The data of the events that this piece completes, in order. */
  push(piece: string): string[] {
    const events: string[] = [];
    this.rest += piece;
    for (;;) {
      const end = this.rest.search(/[\r\n]/);
      // A carriage return at the end may be half of a line end.
      if (end < 0 || (this.rest[end] === '\r' && end + 1 === this.rest.length)) return events;
      const line = this.rest.slice(0, end);
      this.rest = this.rest.slice(this.rest.startsWith('\r\n', end) ? end + 2 : end + 1);
      this.take(line, events);
    }
  }

  private take(line: string, events: string[]): void {
    if (line === '') {
      if (this.data.length > 0) events.push(this.data.join('\n'));
      this.data = [];
    } else if (line === 'data' || line.startsWith('data:')) {
      const value = line.slice(5);
      this.data.push(value.startsWith(' ') ? value.slice(1) : value);
    }
  }
}
