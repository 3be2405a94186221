/* The JSON that a plugin needs: finding a member of an object, reading a string or a number, and
 * writing a string. Reads within [at, end) only; a missing value has a null `at`. */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct json {
  const char *at;
  const char *end;
} json;

static inline json json_none(void) {
  json none = {NULL, NULL};
  return none;
}

static inline json json_blank(json in) {
  while (in.at < in.end && strchr(" \t\r\n", *in.at) != NULL) in.at++;
  return in;
}

/* The end of the value that starts at in.at; null if there is none. Brackets in strings do not
 * count, and counting the depth is enough: no stack is needed. */
static inline const char *json_skip(json in) {
  int depth = 0, in_string = 0;
  for (in = json_blank(in); in.at < in.end; in.at++) {
    char c = *in.at;
    if (in_string) {
      if (c == '\\') in.at++;
      else if (c == '"') in_string = 0;
      if (!in_string && depth == 0) return in.at + 1;
    } else if (c == '"') {
      in_string = 1;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return in.at;
      if (--depth == 0) return in.at + 1;
    } else if (depth == 0 && (c == ',' || c == ' ' || c == '\n' || c == '\t' || c == '\r')) {
      return in.at;
    }
  }
  return depth == 0 && !in_string ? in.end : NULL;
}

/* The value of `key` in the object `in`. */
static inline json json_member(json in, const char *key) {
  size_t length = strlen(key);
  if (in.at == NULL) return in;
  in = json_blank(in);
  if (in.at >= in.end || *in.at != '{') return json_none();
  in.at++;
  for (;;) {
    json value;
    const char *name, *stop;
    in = json_blank(in);
    if (in.at >= in.end || *in.at != '"') return json_none();
    name = in.at + 1;
    stop = json_skip(in);
    if (stop == NULL) return json_none();
    in.at = stop;
    in = json_blank(in);
    if (in.at >= in.end || *in.at != ':') return json_none();
    in.at++;
    value = json_blank(in);
    value.end = json_skip(value);
    if (value.end == NULL) return json_none();
    if ((size_t)(stop - 1 - name) == length && memcmp(name, key, length) == 0) return value;
    in.at = value.end;
    in = json_blank(in);
    if (in.at >= in.end || *in.at != ',') return json_none();
    in.at++;
  }
}

static inline int json_hex(char c) {
  const char *digits = "0123456789abcdef", *found;
  if (c >= 'A' && c <= 'F') c = (char)(c + 32);
  found = c == '\0' ? NULL : strchr(digits, c);
  return found == NULL ? -1 : (int)(found - digits);
}

/* Copies a string into `out` with a final zero; returns 0 if it is not a string, is too long, or has
 * a \u escape beyond ASCII, which no path needs. */
static inline int json_text(json in, char *out, size_t size) {
  size_t used = 0;
  const char *escapes = "\"\\/bfnrt", *meanings = "\"\\/\b\f\n\r\t";
  if (in.at == NULL || in.at >= in.end || *in.at != '"') return 0;
  for (in.at++; in.at < in.end && *in.at != '"'; in.at++) {
    char c = *in.at;
    if (c == '\\') {
      const char *found;
      if (++in.at >= in.end) return 0;
      if (*in.at == 'u') {
        int high, low;
        if (in.end - in.at < 5 || in.at[1] != '0' || in.at[2] != '0') return 0;
        high = json_hex(in.at[3]);
        low = json_hex(in.at[4]);
        if (high < 0 || high > 7 || low < 0 || high + low == 0) return 0;
        c = (char)(high * 16 + low);
        in.at += 4;
      } else {
        found = *in.at == '\0' ? NULL : strchr(escapes, *in.at);
        if (found == NULL) return 0;
        c = meanings[found - escapes];
      }
    }
    if (used + 1 >= size) return 0;
    out[used++] = c;
  }
  out[used] = '\0';
  return in.at < in.end;
}

/* An integer, or `otherwise`. */
static inline long json_number(json in, long otherwise) {
  long number = 0;
  if (in.at == NULL || in.at >= in.end || *in.at < '0' || *in.at > '9') return otherwise;
  for (; in.at < in.end && *in.at >= '0' && *in.at <= '9' && number < 100000000L; in.at++) {
    number = number * 10 + (*in.at - '0');
  }
  return number;
}

/* A buffer for the reply; text that does not fit sets `full`. */
typedef struct json_out {
  char *text;
  size_t size, used;
  int full;
} json_out;

static inline void json_put(json_out *out, const char *text, size_t length) {
  if (out->full || length > out->size - out->used) {
    out->full = 1;
    return;
  }
  memcpy(out->text + out->used, text, length);
  out->used += length;
}

static inline void json_put_string(json_out *out, const char *text, size_t length) {
  size_t i;
  json_put(out, "\"", 1);
  for (i = 0; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c == '"' || c == '\\') json_put(out, "\\", 1);
    if (c < 0x20) {
      char escape[8];
      int written = snprintf(escape, sizeof escape, "\\u%04x", c);
      if (written > 0) json_put(out, escape, (size_t)written);
    } else {
      json_put(out, text + i, 1);
    }
  }
  json_put(out, "\"", 1);
}

#endif
