// As much of SIP as the customers need: header lines, the digest, where the other side wants its media.
#pragma once
#include "net.h"

#include <openssl/evp.h>

// Copies the value of a header line, or gives an empty one; `name` ends with a colon.
static inline bool header(const char *message, const char *name, char *value, size_t size) {
  const char *end = strstr(message, "\r\n\r\n");
  size_t length = strlen(name);
  value[0] = 0;
  for (const char *line = strstr(message, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line + 2, name, length) != 0) continue;
    const char *start = line + 2 + length + strspn(line + 2 + length, " ");
    snprintf(value, size, "%.*s", (int)strcspn(start, "\r\n"), start);
    return true;
  }
  return false;
}

// Appends every line of a header as it stands, as far as there is room.
static inline size_t copy_lines(const char *message, const char *name, char *out, size_t size) {
  const char *end = strstr(message, "\r\n\r\n");
  size_t length = strlen(name), written = 0;
  out[0] = 0;
  for (const char *line = strstr(message, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n")) {
    size_t count = strcspn(line + 2, "\r\n");
    if (strncasecmp(line + 2, name, length) != 0 || written + count + 3 > size) continue;
    written += (size_t)snprintf(out + written, size - written, "%.*s\r\n", (int)count, line + 2);
  }
  return written;
}

static inline int status_of(const char *message) {
  int status = 0;
  return sscanf(message, "SIP/2.0 %d", &status) == 1 ? status : 0;
}

static inline void md5(const char *text, char out[33]) {
  static EVP_MD_CTX *context;
  unsigned char digest[16];
  if (!context) context = EVP_MD_CTX_new();
  EVP_DigestInit_ex(context, EVP_md5(), NULL);
  EVP_DigestUpdate(context, text, strlen(text));
  EVP_DigestFinal_ex(context, digest, NULL);
  for (int index = 0; index < 16; index++) sprintf(out + 2 * index, "%02x", digest[index]);
}

// The answer to the MD5 challenge of a 401 or 407 (RFC 7616 with qop=auth), as a header line; empty where there is none.
static inline size_t credentials(
    const char *challenge, const char *realm, int user, const char *ha1, const char *method, const char *uri, char *out) {
  bool by_proxy = status_of(challenge) == 407;
  const char *name = by_proxy ? "Proxy-Authenticate:" : "WWW-Authenticate:";
  const char *end = strstr(challenge, "\r\n\r\n");
  out[0] = 0;
  for (const char *line = strstr(challenge, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line + 2, name, strlen(name)) != 0) continue;
    char value[512], nonce[256], text[1024], ha2[33], response[33];
    snprintf(value, sizeof value, "%.*s", (int)strcspn(line + 2, "\r\n"), line + 2);
    const char *algorithm = strstr(value, "algorithm="), *start = strstr(value, "nonce=\"");
    if (!start || (algorithm && strncmp(algorithm + 10, "MD5", 3) != 0)) continue;
    sscanf(start + 7, "%255[^\"]", nonce);
    snprintf(text, sizeof text, "%s:%s", method, uri);
    md5(text, ha2);
    snprintf(text, sizeof text, "%s:%s:00000001:c1e7:auth:%s", ha1, nonce, ha2);
    md5(text, response);
    return (size_t)sprintf(
        out,
        "%s: Digest username=\"%d\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\", algorithm=MD5, cnonce=\"c1e7\", "
        "nc=00000001, qop=auth\r\n",
        by_proxy ? "Proxy-Authorization" : "Authorization", user, realm, nonce, uri, response);
  }
  return 0;
}

// Where a session description wants its audio.
static inline bool media_address(const char *message, Endpoint *address) {
  const char *connection = strstr(message, "c=IN IP"), *media = strstr(message, "m=audio ");
  char host[64];
  if (!connection || !media || sscanf(connection + 9, "%63[0-9a-fA-F.:]", host) != 1) return false;
  *address = endpoint(host, atoi(media + 8));
  return true;
}
