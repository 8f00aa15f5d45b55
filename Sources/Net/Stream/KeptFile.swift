package import Glibc

/// A file of ours beside the certificates: keys, certificates, what an authority was told.
package enum KeptFile {
  /// Writes it whole or not at all, for our eyes only unless said otherwise.
  ///
  /// A crash in between leaves a temporary file, which the next one replaces: it must not lend its mode to a key.
  package static func write(
    _ text: String, to path: String, mode: mode_t = 0o600
  ) throws(NetError) {
    try write([(text, path, mode)])
  }

  /// Writes several that belong together, none of them in place before all are on the disk.
  package static func write(
    _ files: [(text: String, path: String, mode: mode_t)]
  ) throws(NetError) {
    do throws(NetError) {
      for file in files { try prepare(file.text, for: file.path, file.mode) }
    } catch {
      // A key is not left lying about.
      for file in files { unlink(temporary(file.path)) }
      throw error
    }
    for file in files where rename(temporary(file.path), file.path) != 0 {
      throw unwritable(file.path)
    }
  }

  private static func temporary(_ path: String) -> String { path + ".new" }

  private static func prepare(
    _ text: String, for path: String, _ mode: mode_t
  ) throws(NetError) {
    unlink(temporary(path))
    let descriptor = open(temporary(path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw unwritable(path) }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0
    else { throw unwritable(path) }
  }

  private static func unwritable(_ path: String) -> NetError {
    .certificate(
      path: path, reason: "it cannot be written: \(String(cString: strerror(errno)))",
      wayOut: "Make room, and give the folder to the user that the server runs as")
  }
}
