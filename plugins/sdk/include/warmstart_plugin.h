/* The interface between warmstart and a plugin, version 1.0.
 *
 * A plugin is a shared library that exports one function, warmstart_plugin_v1. Requests and replies
 * are JSON; their fields are described in plugins/README.md of warmstart. Rules:
 *  - All bytes are borrowed for the duration of the call. reply and log copy. Neither side ever
 *    frees memory of the other.
 *  - The function is never called from two threads, nor again before it has returned.
 *  - The library is never unloaded, and its process may be killed at the deadline.
 */
#ifndef WARMSTART_PLUGIN_H
#define WARMSTART_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define WS_EXPORT __declspec(dllexport)
#else
#define WS_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* UTF-8, not terminated. ptr may be null only when len is 0. */
typedef struct ws_str {
  const char *ptr;
  size_t len;
} ws_str;

/* Levels for log. */
enum { WS_ERROR = 1, WS_WARN, WS_INFO, WS_DEBUG, WS_TRACE };

/* The host's callbacks during a call. Later versions only append fields: check size before using
 * one. */
typedef struct ws_host {
  uint32_t size; /* valid bytes of this struct */
  uint32_t reserved;
  void *ctx; /* pass it back unchanged */

  /* Sends the reply: one JSON object of at most 1 MiB. 0: accepted. Anything else: refused (a second
   * reply, too large, a null pointer); return at once. */
  int32_t (*reply)(void *ctx, ws_str json);

  /* Logs one line. Lines after the 256th of a call are dropped. */
  void (*log)(void *ctx, uint32_t level, ws_str text);

  /* Not 0: 80 % of the time limit has passed; reply with the results so far. */
  int32_t (*cancelled)(void *ctx);
} ws_host;

/* Answers one request: call host->reply once, then return 0. Any other value is a fault.
 * Do not keep host or request after the return. */
WS_EXPORT int32_t warmstart_plugin_v1(ws_host *host, ws_str request);

static inline int32_t ws_reply(ws_host *host, const char *json, size_t length) {
  ws_str text = {json, length};
  return host->reply(host->ctx, text);
}

static inline void ws_log(ws_host *host, uint32_t level, const char *line, size_t length) {
  ws_str text = {line, length};
  host->log(host->ctx, level, text);
}

#ifdef __cplusplus
}
#endif

#endif
