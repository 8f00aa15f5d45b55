import Elements
import Glibc

/// The one folder everything lasting lives in, held by one process at a time.
///
///     martinet.db  martinet.db-wal  martinet.db-shm     the database
///     journal/                                          segments of the journal
///     master.key                                        unless systemd brings it
///     lock                                              held while a process works here
package final class DataFolder: Sendable {
  package let path: String
  private let lock: Int32

  package var databasePath: String { path + "/martinet.db" }
  package var journalPath: String { path + "/journal" }
  package var keyPath: String { path + "/master.key" }

  /// Opens the folder, makes it when it is missing (mode 0700), and takes its lock.
  package init(_ path: String) throws(StoreError) {
    self.path = path
    var made = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false) {
      made += made.isEmpty && part.isEmpty ? "/" : part + "/"
      if mkdir(made, 0o700) != 0, errno != EEXIST, errno != EROFS, errno != EACCES {
        throw .folder(path: path, reason: "\(made): \(String(cString: strerror(errno)))")
      }
    }
    var facts = stat()
    guard stat(path, &facts) == 0 else {
      throw .folder(path: path, reason: String(cString: strerror(errno)))
    }
    guard facts.st_mode & S_IFMT == S_IFDIR else {
      throw .folder(path: path, reason: "it is not a folder")
    }
    lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw .folder(path: path, reason: String(cString: strerror(errno))) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      let holder = DataFolder.processWritten(in: lock)
      close(lock)
      throw .locked(path: path, process: holder)
    }
    // The number is only for people; the lock itself ends with the process, however it ends.
    let number = Array("\(getpid())\n".utf8)
    guard ftruncate(lock, 0) == 0, pwrite(lock, number, number.count, 0) == number.count else {
      let reason = String(cString: strerror(errno))
      close(lock)
      throw .folder(path: path, reason: reason)
    }
  }

  deinit { close(lock) }

  private static func processWritten(in file: Int32) -> Int32? {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = pread(file, &bytes, bytes.count, 0)
    guard count > 0 else { return nil }
    return Int32(String(decoding: bytes[..<count].prefix { $0 >= 48 && $0 <= 57 }, as: UTF8.self))
  }
}
