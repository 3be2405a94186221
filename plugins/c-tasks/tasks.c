/* A client in C99: the open entries of a Markdown to-do list, as todo-file reads them in Rust. */
#include "json.h"
#include "warmstart_plugin.h"

#include <errno.h>
#include <stdlib.h>

enum { LONGEST_PATH = 4096, LONGEST_LINE = 1024, LARGEST_REPLY = 64 * 1024 };

#define LITERAL(text) text, sizeof text - 1

static const char DESCRIPTION[] =
    "{\"ok\":{\"name\":\"c-tasks\",\"version\":\"0.1.0\",\"abi\":\"1.0\","
    "\"clients\":[\"c_tasks\"],\"local\":[\"c_tasks\"],\"strategies\":[],\"before\":[],"
    "\"hooks\":[],\"wants\":[],\"settings\":{\"path\":\"TODO.md\"}}}";

static int32_t error(ws_host *host, const char *kind, const char *message) {
  char text[256];
  int length = snprintf(text, sizeof text, "{\"error\":{\"kind\":\"%s\",\"message\":\"%s\"}}",
                        kind, message);
  return ws_reply(host, text, (size_t)length);
}

static int is_text(json value, const char *expected) {
  char text[64];
  return json_text(value, text, sizeof text) && strcmp(text, expected) == 0;
}

/* The list's path; a relative one is below the request's root. Returns 0 if it is too long or not a
 * string. */
static int path_of(json request, char *path, size_t size) {
  char given[LONGEST_PATH] = "TODO.md";
  char root[LONGEST_PATH] = ".";
  json config = json_member(request, "config");
  json value = json_member(config, "path");
  json folder = json_member(request, "root");
  int length;
  if (value.at != NULL && !json_text(value, given, sizeof given)) return 0;
  if (folder.at != NULL && !json_text(folder, root, sizeof root)) return 0;
  if (given[0] == '/') length = snprintf(path, size, "%s", given);
  else length = snprintf(path, size, "%s/%s", root, given);
  return length > 0 && (size_t)length < size;
}

/* The start of the title of an open entry; null for any other line. */
static const char *open_title(const char *line, const char **status) {
  line += strspn(line, " \t");
  if (*line != '-' && *line != '*' && *line != '+') return NULL;
  line++;
  line += strspn(line, " \t");
  if (strncmp(line, "[ ]", 3) == 0) *status = "todo";
  else if (strncmp(line, "[~]", 3) == 0) *status = "in_progress";
  else return NULL;
  line += 3;
  line += strspn(line, " \t");
  return line;
}

static size_t trimmed(const char *text) {
  size_t length = strlen(text);
  while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL) length--;
  return length;
}

static void write_task(json_out *out, long number, const char *title, size_t length,
                       const char *status) {
  char id[48];
  int written = snprintf(id, sizeof id, "{\"id\":\"%ld\",\"title\":", number);
  json_put(out, id, (size_t)written);
  json_put_string(out, title, length);
  json_put(out, LITERAL(",\"status\":"));
  json_put_string(out, status, strlen(status));
  json_put(out, LITERAL("}"));
}

static void read_list(FILE *file, long limit, json_out *out) {
  char line[LONGEST_LINE];
  long number = 0, found = 0;
  json_put(out, LITERAL("{\"ok\":{\"tasks\":["));
  while (found < limit && fgets(line, sizeof line, file) != NULL) {
    const char *status = NULL, *title = open_title(line, &status);
    size_t length = title == NULL ? 0 : trimmed(title);
    number++;
    if (strchr(line, '\n') == NULL) {
      int c;
      while ((c = fgetc(file)) != EOF && c != '\n') {}
    }
    if (length == 0) continue;
    if (found++ > 0) json_put(out, LITERAL(","));
    write_task(out, number, title, length, status);
  }
  json_put(out, LITERAL("]}}"));
}

static int32_t pending_tasks(ws_host *host, json request) {
  char path[2 * LONGEST_PATH + 2];
  json_out out = {NULL, LARGEST_REPLY, 0, 0};
  json query = json_member(request, "query");
  int32_t result;
  FILE *file;
  if (!path_of(request, path, sizeof path)) return error(host, "config", "`path` is not a path");
  file = fopen(path, "rb");
  if (file == NULL) {
    return error(host, errno == ENOENT ? "not_found" : "unavailable", "cannot open the list");
  }
  out.text = malloc(out.size);
  if (out.text == NULL) {
    fclose(file);
    return error(host, "unavailable", "out of memory");
  }
  read_list(file, json_number(json_member(query, "limit"), 20), &out);
  if (ferror(file)) result = error(host, "unavailable", "cannot read the list");
  else if (out.full) result = error(host, "internal", "the list is too long");
  else result = ws_reply(host, out.text, out.used);
  fclose(file);
  free(out.text);
  return result;
}

int32_t warmstart_plugin_v1(ws_host *host, ws_str text) {
  json request, op;
  request.at = text.ptr;
  request.end = text.ptr + text.len;
  op = json_member(request, "op");
  if (is_text(op, "describe")) return ws_reply(host, LITERAL(DESCRIPTION));
  if (is_text(op, "pending_tasks") && is_text(json_member(request, "name"), "c_tasks")) {
    return pending_tasks(host, request);
  }
  return error(host, "not_supported", "not provided by this plugin");
}
