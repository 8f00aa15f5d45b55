import ConfigurationFiles
import Glibc

/// A file for our eyes only.
enum PrivateFile {
  /// Writes it whole or not at all, with mode 0600.
  static func write(_ text: String, to path: String) throws {
    let temporary = path + ".new"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw unwritable(path) }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0,
      rename(temporary, path) == 0
    else { throw unwritable(path) }
  }

  private static func unwritable(_ path: String) -> ConfigurationError {
    let reason = String(cString: strerror(errno))
    return ConfigurationError(
      field: path, problem: "it cannot be written: \(reason)",
      wayOut: "Make room, and give the folder to the user that the server runs as.")
  }
}
