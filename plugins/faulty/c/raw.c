/* The faults that need C, chosen by config.mode: raw replies, signals, descriptors, forks.
 * Compiled by the tests; EXPORTED exports another symbol than the usual one, SLOW_START hangs while
 * the library is being loaded if LANG is "hang", BEFORE lists the strategies that decide before a
 * request. */
#include "warmstart_plugin.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef EXPORTED
#define EXPORTED warmstart_plugin_v1
#endif
#ifndef ABI
#define ABI "1.0"
#endif

#ifndef BEFORE
#define BEFORE ""
#endif

#define LITERAL(text) text, sizeof text - 1
#define TASKS(title) "{\"ok\":{\"tasks\":[{\"title\":\"" title "\"}]}}"

#ifdef SLOW_START
__attribute__((constructor)) static void hang(void) {
  const char *language = getenv("LANG");
  if (language != NULL && strcmp(language, "hang") == 0) {
    for (;;) pause();
  }
}
#endif

static int asks_for(ws_str request, const char *word) {
  size_t length = strlen(word), at;
  for (at = 0; at + length <= request.len; at++) {
    if (memcmp(request.ptr + at, word, length) == 0) return 1;
  }
  return 0;
}

#define MODE(word) asks_for(request, "\"mode\":\"" word "\"")

static int32_t sized(ws_host *host, size_t size) {
  static const char head[] = "{\"ok\":{\"tasks\":[]},\"x\":\"", tail[] = "\"}";
  char *text = malloc(size);
  int32_t result;
  if (text == NULL) return 9;
  memset(text, 'x', size);
  memcpy(text, head, sizeof head - 1);
  memcpy(text + size - (sizeof tail - 1), tail, sizeof tail - 1);
  result = ws_reply(host, text, size);
  free(text);
  return result;
}

static int32_t deep(ws_host *host) {
  enum { DEPTH = 20000 };
  static char text[2 * DEPTH];
  memset(text, '[', DEPTH);
  memset(text + DEPTH, ']', DEPTH);
  return ws_reply(host, text, sizeof text);
}

static int32_t forks(ws_host *host) {
  if (fork() == 0) {
    for (;;) sleep(1000);
  }
  return ws_reply(host, LITERAL(TASKS("forked")));
}

static int32_t closes_all(ws_host *host) {
  int one;
  for (one = 0; one < 1024; one++) close(one);
  return ws_reply(host, LITERAL(TASKS("closed")));
}

static int32_t changes_all(ws_host *host) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  signal(SIGTERM, SIG_IGN);
  umask(0);
  setenv("PATH", "/nowhere", 1);
  if (chdir("/") != 0) return 9;
  return ws_reply(host, LITERAL(TASKS("changed")));
}

static int32_t tasks(ws_host *host, ws_str request) {
  if (MODE("null_write")) *(volatile int *)0 = 1;
  if (MODE("double_free")) {
    void *volatile twice = malloc(64);
    free(twice);
    free(twice);
    abort();
  }
  if (MODE("leaks")) {
    for (;;) {
      char *volatile block = malloc(64 << 20);
      if (block == NULL) abort();
      *block = 1;
    }
  }
  if (MODE("kill_self")) raise(SIGKILL);
  if (MODE("no_reply")) return 7;
  if (MODE("silent_zero")) return 0;
  if (MODE("reply_then_code")) {
    ws_reply(host, LITERAL(TASKS("but failed")));
    return 3;
  }
  if (MODE("two_replies")) {
    ws_reply(host, LITERAL(TASKS("first")));
    return ws_reply(host, LITERAL(TASKS("second"))) == 0 ? 9 : 0;
  }
  if (MODE("empty_reply")) return ws_reply(host, "", 0), 0;
  if (MODE("null_reply")) return ws_reply(host, NULL, 5), 0;
  if (MODE("endless_reply")) return ws_reply(host, "x", (size_t)-1), 0;
  if (MODE("bad_utf8")) return ws_reply(host, LITERAL(TASKS("\xff\xfe")));
  if (MODE("bad_json")) return ws_reply(host, LITERAL("{\"ok\":"));
  if (MODE("newline")) return ws_reply(host, LITERAL("{\"ok\":\n{\"tasks\":[{\"title\":\"two lines\"}]}}"));
  if (MODE("forged_frame")) return ws_reply(host, LITERAL("1}\n{\"reply\":{\"ok\":{\"tasks\":[{\"title\":\"forged\"}]}}}"));
  if (MODE("just_below")) return sized(host, (1 << 20) - 1);
  if (MODE("exactly")) return sized(host, 1 << 20);
  if (MODE("just_above")) return sized(host, (1 << 20) + 1), 0;
  if (MODE("far_above")) return sized(host, 64 << 20), 0;
  if (MODE("deep")) return deep(host);
  if (MODE("not_an_object")) return ws_reply(host, LITERAL("[1,2]"));
  if (MODE("neither")) return ws_reply(host, LITERAL("{\"maybe\":{}}"));
  if (MODE("no_tasks")) return ws_reply(host, LITERAL("{\"ok\":{}}"));
  if (MODE("odd_kind")) return ws_reply(host, LITERAL("{\"error\":{\"kind\":\"bored\",\"message\":\"m\"}}"));
  if (MODE("unknown_fields")) return ws_reply(host, LITERAL("{\"ok\":{\"tasks\":[{\"title\":\"kept\",\"new\":{}}],\"new\":1},\"new\":[]}"));
  if (MODE("forks")) return forks(host);
  if (MODE("closes_all")) return closes_all(host);
  if (MODE("changes_all")) return changes_all(host);
  if (MODE("leaves_group")) {
    if (fork() == 0) {
      setsid();
      sleep(5);
      _exit(0);
    }
    return ws_reply(host, LITERAL(TASKS("left")));
  }
  if (asks_for(request, "\"op\":\"after_failure\"")) return ws_reply(host, LITERAL("{\"ok\":{\"decision\":\"decline\"}}"));
  if (asks_for(request, "\"op\":\"session_start\"")) return ws_reply(host, LITERAL("{\"ok\":{\"sections\":[]}}"));
  return ws_reply(host, LITERAL(TASKS("works")));
}

WS_EXPORT int32_t EXPORTED(ws_host *host, ws_str request);

int32_t EXPORTED(ws_host *host, ws_str request) {
  if (asks_for(request, "\"op\":\"describe\"")) {
#ifdef NO_DESCRIPTION
    return ws_reply(host, LITERAL("{\"error\":{\"kind\":\"internal\",\"message\":\"shy\"}}"));
#else
    return ws_reply(host, LITERAL("{\"ok\":{\"name\":\"raw\",\"version\":\"0.1.0\",\"abi\":\"" ABI
                                  "\",\"clients\":[\"raw\"],\"strategies\":[\"raw\"],\"before\":[" BEFORE "],\"hooks\":[\"raw\"]}}"));
#endif
  }
  if (asks_for(request, "\"op\":\"before\"") && MODE("skip_before")) {
    return ws_reply(host, LITERAL("{\"ok\":{\"decision\":\"skip\"}}"));
  }
  if (asks_for(request, "\"op\":\"after_failure\"")) {
    if (MODE("odd_word")) return ws_reply(host, LITERAL("{\"ok\":{\"decision\":\"panic_now\"}}"));
    if (MODE("no_word")) return ws_reply(host, LITERAL("{\"ok\":{}}"));
    if (MODE("ask_without_client")) return ws_reply(host, LITERAL("{\"ok\":{\"decision\":\"ask\"}}"));
  }
  return tasks(host, request);
}

#ifdef ALSO
WS_EXPORT int32_t ALSO(ws_host *host, ws_str request);

int32_t ALSO(ws_host *host, ws_str request) {
  (void)request;
  return ws_reply(host, LITERAL("{\"error\":{\"kind\":\"internal\",\"message\":\"the other\"}}"));
}
#endif
