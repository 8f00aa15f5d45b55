#include "CCurlShim.h"

#include <string.h>

static const size_t largest_answer = 64 * 1024;

CURLcode curl_shim_set_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}

CURLcode curl_shim_set_string(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}

CURLcode curl_shim_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
  return curl_easy_setopt(handle, option, value);
}

CURLcode curl_shim_set_error_buffer(CURL *handle, char *buffer) {
  return curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, buffer);
}

static size_t read_upload(char *into, size_t size, size_t count, void *context) {
  struct curl_shim_upload *upload = context;
  size_t room = size * count;
  size_t rest = upload->count - upload->offset;
  size_t taken = rest < room ? rest : room;
  if (taken > 0) memcpy(into, upload->bytes + upload->offset, taken);
  upload->offset += taken;
  return taken;
}

CURLcode curl_shim_set_upload(CURL *handle, struct curl_shim_upload *upload) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
  if (code == CURLE_OK) code = curl_easy_setopt(handle, CURLOPT_READFUNCTION, read_upload);
  if (code == CURLE_OK) code = curl_easy_setopt(handle, CURLOPT_READDATA, upload);
  if (code == CURLE_OK)
    code = curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)upload->count);
  return code;
}

CURLcode curl_shim_set_body(CURL *handle, const unsigned char *bytes, long count) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, count);
  if (code == CURLE_OK) code = curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, bytes);
  return code;
}

static size_t drop(char *bytes, size_t size, size_t count, void *context) {
  (void)bytes;
  size_t *seen = context;
  *seen += size * count;
  return *seen > largest_answer ? 0 : size * count;
}

CURLcode curl_shim_drop_answer(CURL *handle, size_t *seen) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, drop);
  if (code == CURLE_OK) code = curl_easy_setopt(handle, CURLOPT_WRITEDATA, seen);
  return code;
}

static size_t keep(char *bytes, size_t size, size_t count, void *context) {
  struct curl_shim_line *line = context;
  size_t length = size * count;
  size_t kept = length < sizeof line->text ? length : sizeof line->text - 1;
  while (kept > 0 && (bytes[kept - 1] == '\r' || bytes[kept - 1] == '\n')) kept--;
  memcpy(line->text, bytes, kept);
  line->text[kept] = 0;
  return length;
}

CURLcode curl_shim_keep_line(CURL *handle, struct curl_shim_line *line) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, keep);
  if (code == CURLE_OK) code = curl_easy_setopt(handle, CURLOPT_HEADERDATA, line);
  return code;
}

static size_t keep_body(char *bytes, size_t size, size_t count, void *context) {
  struct curl_shim_body *body = context;
  size_t length = size * count;
  if (length > body->capacity - body->count) return 0;
  memcpy(body->bytes + body->count, bytes, length);
  body->count += length;
  return length;
}

CURLcode curl_shim_keep_body(CURL *handle, struct curl_shim_body *body) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, keep_body);
  if (code == CURLE_OK) code = curl_easy_setopt(handle, CURLOPT_WRITEDATA, body);
  return code;
}

CURLcode curl_shim_get_long(CURL *handle, CURLINFO info, long *value) {
  return curl_easy_getinfo(handle, info, value);
}
