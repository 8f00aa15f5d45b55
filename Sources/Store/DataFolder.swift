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

  package var databasePath: String { Self.databasePath(in: path) }
  package var journalPath: String { Self.journalPath(in: path) }
  package var keyPath: String { path + "/master.key" }

  /// Takes the lock of a folder that an installation is in, and makes nothing else.
  package convenience init(existing path: String) throws(StoreError) {
    guard access(Self.databasePath(in: path), F_OK) == 0 || Self.hasJournal(in: path) else {
      throw .noInstallation(path: path)
    }
    try self.init(locking: path)
  }

  /// Opens the folder, makes it when it is missing (mode 0700), and takes its lock.
  package convenience init(_ path: String) throws(StoreError) {
    var made = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false) {
      made += made.isEmpty && part.isEmpty ? "/" : part + "/"
      if mkdir(made, 0o700) != 0, errno != EEXIST, errno != EROFS, errno != EACCES {
        throw .folder(path: path, reason: "\(made): \(String(cString: strerror(errno)))")
      }
    }
    try self.init(locking: path)
  }

  private init(locking path: String) throws(StoreError) {
    self.path = path
    try Self.checkDatabase(in: path)
    var facts = stat()
    guard stat(path, &facts) == 0 else {
      throw .folder(path: path, reason: String(cString: strerror(errno)))
    }
    guard facts.st_mode & S_IFMT == S_IFDIR else {
      throw .folder(path: path, reason: "it is not a folder")
    }
    lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    // From here on whatever is thrown ends in `deinit`, which closes it. Closed here as well, it would be closed twice,
    // the second time perhaps as somebody else's file.
    guard lock >= 0 else { throw .folder(path: path, reason: String(cString: strerror(errno))) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      throw .locked(path: path, process: DataFolder.processWritten(in: lock))
    }
    // The number is only for people; the lock itself ends with the process, however it ends.
    let number = Array("\(getpid())\n".utf8)
    guard ftruncate(lock, 0) == 0, pwrite(lock, number, number.count, 0) == number.count else {
      throw .folder(path: path, reason: String(cString: strerror(errno)))
    }
  }

  deinit { if lock >= 0 { close(lock) } }

  /// Bytes of SQLite's smallest page: what is shorter it takes for an empty database.
  private static let smallestDatabase = 512

  private static func databasePath(in path: String) -> String { path + "/martinet.db" }
  private static func journalPath(in path: String) -> String { path + "/journal" }

  /// Whether segments of a journal are there, or may be: what cannot be read counts.
  package static func hasJournal(in path: String) -> Bool {
    guard let entries = opendir(journalPath(in: path)) else {
      return errno != ENOENT && errno != ENOTDIR
    }
    defer { closedir(entries) }
    while let entry = readdir(entries) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if SegmentHeader.number(ofFileName: name) != nil { return true }
    }
    return false
  }

  /// That no journal is there without its database: its money and blocks would fall to whoever comes next.
  package static func checkDatabase(in path: String) throws(StoreError) {
    guard hasJournal(in: path) else { return }
    var facts = stat()
    let isThere = stat(databasePath(in: path), &facts) == 0
    // What this user may not see is not gone.
    if !isThere, errno != ENOENT, errno != ENOTDIR {
      throw .folder(path: path, reason: String(cString: strerror(errno)))
    }
    guard isThere, facts.st_size >= smallestDatabase else {
      throw .databaseLost(path: path, isEmpty: isThere)
    }
  }

  private static func processWritten(in file: Int32) -> Int32? {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = pread(file, &bytes, bytes.count, 0)
    guard count > 0 else { return nil }
    return Int32(String(decoding: bytes[..<count].prefix { $0 >= 48 && $0 <= 57 }, as: UTF8.self))
  }
}
