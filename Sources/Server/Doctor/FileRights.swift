import Glibc

/// Who may read a file.
enum FileRights {
  /// Whether nobody but the owner may do anything with it; of a link what it leads to counts.
  static func isOwnersAlone(_ path: String) -> Bool {
    var facts = stat()
    return stat(path, &facts) == 0 && facts.st_mode & 0o077 == 0
  }
}
