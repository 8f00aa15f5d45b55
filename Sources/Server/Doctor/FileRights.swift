import Foundation

/// Who may read a file.
enum FileRights {
  /// Whether nobody but the owner may do anything with it, or nothing of `rights`; of a link what it leads to counts.
  static func isOwnersAlone(_ path: String, refusing rights: Int = 0o077) -> Bool {
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let facts = try? FileManager.default.attributesOfItem(atPath: target)
    return (facts?[.posixPermissions] as? Int ?? 0o777) & rights == 0
  }
}
