#ifndef C_CURL_SHIM_H
#define C_CURL_SHIM_H

// libcurl sets options through a variadic function, which Swift cannot call: these are its typed halves.

#include <curl/curl.h>
#include <stddef.h>

/// Bytes that libcurl reads while it uploads; `offset` is how far it has come.
struct curl_shim_upload {
  const unsigned char *bytes;
  size_t count;
  size_t offset;
};

/// A line that the other side sent, cut to fit, ended by zero.
struct curl_shim_line {
  char text[256];
};

/// What the other side sends.
struct curl_shim_body {
  unsigned char *bytes;
  size_t capacity;
  size_t count;
};

CURLcode curl_shim_set_long(CURL *handle, CURLoption option, long value);
CURLcode curl_shim_set_string(CURL *handle, CURLoption option, const char *value);
CURLcode curl_shim_set_list(CURL *handle, CURLoption option, struct curl_slist *value);
/// `buffer` holds CURL_ERROR_SIZE bytes and outlives the transfer.
CURLcode curl_shim_set_error_buffer(CURL *handle, char *buffer);
/// `upload` outlives the transfer.
CURLcode curl_shim_set_upload(CURL *handle, struct curl_shim_upload *upload);
/// The bytes are copied.
CURLcode curl_shim_set_body(CURL *handle, const unsigned char *bytes, long count);
/// Whatever the other side answers is read up to 64 KB and dropped.
CURLcode curl_shim_drop_answer(CURL *handle, size_t *seen);
/// Keeps the last line of a mail server's answers; `line` outlives the transfer.
CURLcode curl_shim_keep_line(CURL *handle, struct curl_shim_line *line);
/// Keeps what the other side answers, up to the body's capacity; a longer answer ends the transfer. `body` outlives it.
CURLcode curl_shim_keep_body(CURL *handle, struct curl_shim_body *body);
CURLcode curl_shim_get_long(CURL *handle, CURLINFO info, long *value);

#endif
