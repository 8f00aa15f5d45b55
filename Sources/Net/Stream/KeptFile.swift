package import Glibc

/// A file of ours beside the certificates: keys, certificates, what an authority was told.
package enum KeptFile {
  /// Writes it whole or not at all, for our eyes only unless said otherwise.
  ///
  /// A crash in between leaves a temporary file, which the next one replaces: it must not lend its mode to a key.
  package static func write(
    _ text: String, to path: String, mode: mode_t = 0o600
  ) throws(NetError) {
    let temporary = path + ".new"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw unwritable(path) }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0,
      rename(temporary, path) == 0
    else { throw unwritable(path) }
  }

  private static func unwritable(_ path: String) -> NetError {
    .certificate(
      path: path, reason: "it cannot be written: \(String(cString: strerror(errno)))",
      wayOut: "Make room, and give the folder to the user that the server runs as")
  }
}
