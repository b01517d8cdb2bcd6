// SPDX-License-Identifier: MIT
// Conversations in the browser's IndexedDB. Where it is refused (private windows), they live as long as the page.
import type { Conversation } from './types';

const storeName = 'conversations';

export interface Storage {
  /** False: nothing outlives the page. */
  readonly lasting: boolean;
  all(): Promise<Conversation[]>;
  get(id: string): Promise<Conversation | undefined>;
  put(conversation: Conversation): Promise<void>;
  remove(id: string): Promise<void>;
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

class Database implements Storage {
  readonly lasting = true;

  constructor(private readonly database: IDBDatabase) {}

  all(): Promise<Conversation[]> {
    return settled(this.reading().getAll());
  }

  get(id: string): Promise<Conversation | undefined> {
    return settled(this.reading().get(id));
  }

  async put(conversation: Conversation): Promise<void> {
    await this.write((objects) => objects.put(conversation));
  }

  async remove(id: string): Promise<void> {
    await this.write((objects) => objects.delete(id));
  }

  private reading(): IDBObjectStore {
    return this.database.transaction(storeName, 'readonly').objectStore(storeName);
  }

  private write(change: (objects: IDBObjectStore) => IDBRequest): Promise<unknown> {
    const transaction = this.database.transaction(storeName, 'readwrite');
    const done = settled(change(transaction.objectStore(storeName)));
    // At once: a page that is left meanwhile would otherwise take the change back.
    transaction.commit();
    return done;
  }
}

/** The page itself holds all conversations, so there is nothing to keep here. */
const fleeting: Storage = {
  lasting: false,
  all: async () => [],
  get: async () => undefined,
  put: async () => {},
  remove: async () => {},
};

export async function openStorage(): Promise<Storage> {
  try {
    const opening = indexedDB.open('fathom', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(storeName, { keyPath: 'id' });
    const database = await settled(opening);
    // Another tab with a newer page wants to change the layout: let it.
    database.onversionchange = () => database.close();
    return new Database(database);
  } catch {
    return fleeting;
  }
}
