// Asking the server. Every failure is a Problem with words for people.

import { clock } from "/ui/core/clock.js";
import { session } from "/ui/core/session.js";

/** What the server, or the way to it, has against a request. `status` is 0 where no answer came. */
export class Problem extends Error {
  constructor({ status = 0, code = "unreachable", title, detail, request_id: requestId }) {
    super(detail || title || "The server does not answer.");
    Object.assign(this, { status, code, title, detail, requestId });
  }
}

/**
 * Asks the server. `query` is an object whose empty values are left out; `body` is sent as JSON unless it is a form, a
 * blob or a text. Returns the response; throws a Problem.
 */
export async function ask(path, { method = "GET", query, body, headers, signal } = {}) {
  const plain = body === undefined || body instanceof FormData || body instanceof Blob || typeof body === "string";
  const response = await fetch(path + search(query), {
    method,
    signal,
    body: plain ? body : JSON.stringify(body),
    headers: { ...session.headers(), ...(plain ? {} : { "content-type": "application/json" }), ...headers },
  }).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new Problem({});
  });
  clock.heard(response.headers.get("date"));
  if (response.ok || response.status === 304) return response;
  if (response.status === 401) session.expired();
  throw await problem(response);
}

/** The same, and what it answers as JSON; null where there is no content. */
export async function json(path, options) {
  const response = await ask(path, options);
  return response.status === 204 ? null : response.json();
}

export const api = {
  get: (path, query, options) => json(path, { ...options, query }),
  post: (path, body, options) => json(path, { ...options, method: "POST", body }),
  delete: (path, options) => json(path, { ...options, method: "DELETE" }),
};

/** `?a=1&b=2` of an object; lists are joined by commas, empty values are left out. */
export function search(query) {
  const filled = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== ""
    && !(Array.isArray(value) && value.length === 0));
  return filled.length ? `?${new URLSearchParams(filled.map(([key, value]) => [key, String(value)]))}` : "";
}

async function problem(response) {
  const body = await response.json().catch(() => null);
  const words = body && (body.detail || body.error || body.message);
  const detail = typeof words === "string" ? words : `The server answers ${response.status}.`;
  return new Problem({ ...body, status: response.status, detail });
}

/**
 * Sends a form and tells how far it is. `progress(sent, total)` in bytes. Aborting `signal` ends it. Returns the answer
 * as JSON; throws a Problem. (fetch cannot tell how far an upload is.)
 */
export function upload(path, form, { headers, progress, signal } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    for (const [name, value] of Object.entries({ ...session.headers(), ...headers })) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => progress?.(event.loaded, event.total);
    request.onerror = () => reject(new Problem({}));
    request.onabort = () => reject(new DOMException("The upload was ended.", "AbortError"));
    request.onload = () => {
      const body = parsed(request.responseText);
      if (request.status < 300) return resolve(body);
      if (request.status === 401) session.expired();
      reject(new Problem({ ...body, status: request.status, detail: body?.detail ?? `The server answers ${request.status}.` }));
    };
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
