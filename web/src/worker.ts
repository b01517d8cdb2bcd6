// SPDX-License-Identifier: MIT
// Service worker: the page's own files from the server, or from the last visit when the server is away. Nothing else passes
// through it; the API is never kept.
declare const self: ServiceWorkerGlobalScope;
/** Paths of all files of the page, and a digest of their contents; put in by bundle.mjs. */
declare const PAGE_PATHS: readonly string[];
declare const PAGE_DIGEST: string;

const cacheName = `fathom-${PAGE_DIGEST}`;

self.addEventListener('install', (event) => {
  const keep = async () => {
    const cache = await caches.open(cacheName);
    await cache.addAll(PAGE_PATHS.map((path) => new Request(path, { cache: 'no-cache' })));
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

self.addEventListener('activate', (event) => {
  const clean = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith('fathom-') && name !== cacheName);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

async function fromServerOrCache(request: Request, path: string): Promise<Response> {
  try {
    const response = await fetch(request);
    if (response.ok || response.status === 304) return response;
  } catch {
    // The server is away: below.
  }
  const cache = await caches.open(cacheName);
  return (await cache.match(path)) ?? Response.error();
}

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== self.location.origin || !PAGE_PATHS.includes(url.pathname)) return;
  event.respondWith(fromServerOrCache(event.request, url.pathname));
});
export {};
