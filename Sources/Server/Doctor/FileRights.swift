import Foundation

/// Who may read a file.
enum FileRights {
  /// Whether nobody but the owner may do anything with it; of a link what it leads to counts.
  static func isOwnersAlone(_ path: String) -> Bool {
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let facts = try? FileManager.default.attributesOfItem(atPath: target)
    return (facts?[.posixPermissions] as? Int ?? 0o777) & 0o077 == 0
  }
}
