// SPDX-License-Identifier: MIT
// The state of the page and everything that changes it. Views listen; they never change state themselves.
import { ConnectionError, ApiError, servedModel } from './api';
import { generate } from './generation';
import { keepKey, loadKey, loadLastConversation, loadOptions, saveLastConversation, saveOptions } from './preferences';
import { requestBody } from './request';
import { openStorage, type Storage } from './storage';
import { activePath, addNode, newConversation, newId, pathTo, removeLeaf, selectNode, titleFrom } from './tree';
import type { AssistantNode, Attachment, Conversation, MessageNode, Options, ToolNode, UserNode } from './types';

export type ServerState = 'connecting' | 'ready' | 'unreachable' | 'loading' | 'key';

/** list: titles or order; path: which messages are shown; message: one grew; server: state or model; options. */
export type Change =
  | { what: 'list' | 'path' | 'server' | 'options' }
  | { what: 'message'; conversation: string; node: AssistantNode; ended: boolean };

/** While a reply streams, it is stored at most this often. */
const storeEveryMs = 300;

export class App {
  readonly conversations = new Map<string, Conversation>();
  current: Conversation;
  server: ServerState = 'connecting';
  model = '';
  contextLength = 0;
  /** True when conversations are lost with the page. */
  fleeting = false;

  private key = loadKey();
  private storage!: Storage;
  private readonly running = new Map<string, AbortController>();
  private readonly listeners: ((change: Change) => void)[] = [];
  private readonly tabs = 'BroadcastChannel' in window ? new BroadcastChannel('fathom') : undefined;
  private retryMs = 1000;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.current = newConversation(loadOptions(), Date.now());
  }

  listen(listener: (change: Change) => void): void {
    this.listeners.push(listener);
  }

  async start(): Promise<void> {
    this.storage = await openStorage();
    this.fleeting = !this.storage.lasting;
    for (const conversation of await this.storage.all()) {
      this.endInterrupted(conversation);
      this.conversations.set(conversation.id, conversation);
    }
    this.current = this.conversations.get(loadLastConversation()) ?? this.current;
    this.tabs?.addEventListener('message', (event) => void this.followOtherTab(String(event.data)));
    this.tell({ what: 'list' });
    this.tell({ what: 'path' });
    await this.connect();
  }

  // --- server

  async connect(): Promise<void> {
    clearTimeout(this.retryTimer);
    try {
      const served = await servedModel(this.key);
      this.model = served.id;
      this.contextLength = served.contextLength;
      this.setServer('ready');
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.setServer('key');
      else if (error instanceof ApiError && error.status === 503) this.retryLater('loading');
      else if (error instanceof ApiError || error instanceof ConnectionError) this.retryLater('unreachable');
      else throw error;
    }
  }

  useKey(key: string, remember: boolean): Promise<void> {
    this.key = key;
    keepKey(remember ? key : '');
    return this.connect();
  }

  hasKey(): boolean {
    return this.key !== '';
  }

  private setServer(state: ServerState): void {
    if (state === 'ready') this.retryMs = 1000;
    this.server = state;
    this.tell({ what: 'server' });
  }

  private retryLater(state: ServerState): void {
    this.setServer(state);
    this.retryTimer = setTimeout(() => void this.connect(), this.retryMs);
    this.retryMs = Math.min(10_000, this.retryMs * 1.5);
  }

  // --- which conversation

  open(id: string): void {
    const found = this.conversations.get(id);
    if (!found || found === this.current) return;
    this.current = found;
    saveLastConversation(id);
    this.tell({ what: 'list' });
    this.tell({ what: 'path' });
  }

  /** An empty conversation with the options of the one shown. It is stored with its first message. */
  startNew(): void {
    this.current = newConversation(this.current.options, Date.now());
    saveLastConversation('');
    this.tell({ what: 'list' });
    this.tell({ what: 'path' });
  }

  rename(title: string): void {
    this.current.title = title.trim().slice(0, 200) || this.current.title;
    if (this.conversations.has(this.current.id)) this.store(this.current);
    this.tell({ what: 'list' });
  }

  remove(id: string): Conversation | undefined {
    const removed = this.conversations.get(id);
    if (!removed) return undefined;
    this.stop(id);
    this.conversations.delete(id);
    void this.storage.remove(id).then(() => this.tabs?.postMessage(id));
    if (this.current === removed) this.startNew();
    else this.tell({ what: 'list' });
    return removed;
  }

  /** Takes conversations in; one that is here already comes in as a copy of its own. */
  add(conversations: readonly Conversation[]): void {
    for (const conversation of conversations) {
      if (this.conversations.has(conversation.id)) conversation.id = newId();
      this.conversations.set(conversation.id, conversation);
      this.store(conversation);
    }
    this.tell({ what: 'list' });
  }

  setOptions(options: Partial<Options>): void {
    Object.assign(this.current.options, options);
    saveOptions(this.current.options);
    if (this.conversations.has(this.current.id)) this.store(this.current);
    this.tell({ what: 'options' });
  }

  // --- messages

  isRunning(id = this.current.id): boolean {
    return this.running.has(id);
  }

  /** A message after the last one shown, and the reply to it. */
  send(text: string, attachments: Attachment[]): void {
    const path = activePath(this.current);
    this.addUser(path[path.length - 1]?.id ?? null, text, attachments);
  }

  /** The same place in the conversation with another text: a new branch. */
  edit(node: UserNode, text: string): void {
    this.addUser(node.parent, text, node.attachments);
  }

  /** Another reply to the same message: a new branch. */
  regenerate(node: AssistantNode): void {
    if (node.parent !== null && !this.isRunning()) this.reply(node.parent);
  }

  /** Lets the model write on at the end of a reply that was cut. */
  continueReply(node: AssistantNode): void {
    if (this.isRunning()) return;
    node.finish = 'running';
    this.begin(this.current, node, pathTo(this.current, node.id));
  }

  /** Asks again after a failure; a failed reply without a word leaves nothing behind. */
  retry(node: AssistantNode): void {
    if (this.isRunning()) return;
    if (node.text === '' && node.reasoning === '' && node.toolCalls.length === 0) removeLeaf(this.current, node.id);
    this.regenerate(node);
  }

  select(node: MessageNode): void {
    selectNode(this.current, node.id);
    this.store(this.current);
    this.tell({ what: 'path' });
  }

  /** Results of all calls of one reply, in their order; the model goes on from there. */
  sendToolResults(node: AssistantNode, results: readonly string[]): void {
    if (this.isRunning()) return;
    let parent = node.id;
    node.toolCalls.forEach((call, i) => {
      const result: ToolNode = {
        id: newId(), parent, createdAt: Date.now(), role: 'tool', callId: call.id, name: call.name, text: results[i] ?? '',
      };
      addNode(this.current, result);
      parent = result.id;
    });
    this.reply(parent);
  }

  stop(id = this.current.id): void {
    this.running.get(id)?.abort();
  }

  /** The page goes away: its requests end with it, which is no error of theirs. */
  leave(): void {
    this.storeRunning();
    for (const stopper of this.running.values()) stopper.abort();
  }

  /** What has arrived so far is kept. */
  storeRunning(): void {
    for (const id of this.running.keys()) {
      const conversation = this.conversations.get(id);
      if (conversation) void this.storage.put(conversation);
    }
  }

  private addUser(parent: string | null, text: string, attachments: Attachment[]): void {
    if (this.isRunning()) return;
    const node: UserNode = { id: newId(), parent, createdAt: Date.now(), role: 'user', text, attachments };
    addNode(this.current, node);
    this.current.title ||= titleFrom(text) || attachments[0]?.name || 'Conversation';
    this.conversations.set(this.current.id, this.current);
    saveLastConversation(this.current.id);
    this.reply(node.id);
  }

  private reply(parent: string): void {
    const conversation = this.current;
    const node: AssistantNode = {
      id: newId(), parent, createdAt: Date.now(), role: 'assistant', text: '', reasoning: '', toolCalls: [], finish: 'running',
      model: this.model, effort: conversation.options.effort, figures: {},
    };
    if (this.contextLength > 0) node.figures.contextLength = this.contextLength;
    const path = pathTo(conversation, parent);
    addNode(conversation, node);
    this.begin(conversation, node, path);
  }

  private begin(conversation: Conversation, node: AssistantNode, path: readonly MessageNode[]): void {
    const body = requestBody(path, conversation.options, this.model);
    conversation.updatedAt = Date.now();
    const stopper = new AbortController();
    this.running.set(conversation.id, stopper);
    this.store(conversation);
    this.tell({ what: 'list' });
    this.tell({ what: 'path' });
    void this.run(conversation, node, body, stopper.signal);
  }

  private async run(conversation: Conversation, node: AssistantNode, body: unknown, signal: AbortSignal): Promise<void> {
    let storedAt = performance.now();
    const changed = () => {
      this.tell({ what: 'message', conversation: conversation.id, node, ended: false });
      if (performance.now() - storedAt < storeEveryMs) return;
      storedAt = performance.now();
      void this.storage.put(conversation);
    };
    await generate({ key: this.key, body, node, signal, changed });
    this.running.delete(conversation.id);
    conversation.updatedAt = Date.now();
    // It may have been deleted meanwhile.
    if (this.conversations.has(conversation.id)) this.store(conversation);
    this.tell({ what: 'message', conversation: conversation.id, node, ended: true });
    this.tell({ what: 'list' });
    if (node.error?.kind === 'unreachable' || node.error?.kind === 'key' || node.error?.kind === 'unavailable') await this.connect();
  }

  // --- storage

  private store(conversation: Conversation): void {
    void this.storage.put(conversation).then(() => this.tabs?.postMessage(conversation.id));
  }

  private endInterrupted(conversation: Conversation): void {
    for (const node of conversation.nodes) {
      if (node.role === 'assistant' && node.finish === 'running') node.finish = 'stopped';
    }
  }

  private async followOtherTab(id: string): Promise<void> {
    if (this.running.has(id)) return;
    const stored = await this.storage.get(id);
    if (stored) {
      this.endInterrupted(stored);
      this.conversations.set(id, stored);
      if (this.current.id === id) this.current = stored;
    } else {
      this.conversations.delete(id);
      if (this.current.id === id) this.current = newConversation(this.current.options, Date.now());
    }
    this.tell({ what: 'list' });
    if (this.current.id === id || !stored) this.tell({ what: 'path' });
  }

  private tell(change: Change): void {
    for (const listener of this.listeners) listener(change);
  }
}
