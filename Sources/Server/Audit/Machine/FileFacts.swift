import Foundation
import Glibc

/// Who may do what with a file; of a link what it leads to counts.
struct FileFacts: Hashable, Sendable {
  let path: String
  let owner: UInt32
  let group: UInt32
  let mode: UInt32

  enum Failure: Error { case absent, unseen }

  /// Groups of the system itself, such as Debian's "staff": whoever is in them is root in all but name.
  private static let systemGroups: Range<UInt32> = 0..<100
  private static let mostSteps = 64

  init(_ path: String) throws(Failure) {
    guard access(path, F_OK) == 0 else {
      throw errno == ENOENT || errno == ENOTDIR ? .absent : .unseen
    }
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    guard let facts = try? FileManager.default.attributesOfItem(atPath: target),
      let owner = Self.number(facts[.ownerAccountID]),
      let group = Self.number(facts[.groupOwnerAccountID]),
      let mode = Self.number(facts[.posixPermissions])
    else { throw .unseen }
    self.path = path
    (self.owner, self.group, self.mode) = (owner, group, mode)
  }

  private static func number(_ value: Any?) -> UInt32? {
    (value as? Int).map { UInt32(truncatingIfNeeded: $0) }
      ?? (value as? UInt).map { UInt32(truncatingIfNeeded: $0) } ?? (value as? UInt32)
      ?? (value as? NSNumber)?.uint32Value
  }

  var isOwnersAlone: Bool { mode & 0o077 == 0 }
  private var isSticky: Bool { mode & 0o1000 != 0 }

  /// Who else than `trusted` users may change it, in words; nil: nobody.
  ///
  /// In a folder with the sticky bit nobody moves what is another's.
  func changeableBy(otherThan trusted: Set<UInt32>, asFolderAbove: Bool = false) -> String? {
    if !trusted.contains(owner) { return "belongs to user \(owner)" }
    if asFolderAbove, isSticky { return nil }
    if mode & 0o002 != 0 { return "can be changed by everybody" }
    return mode & 0o020 != 0 && !Self.systemGroups.contains(group)
      ? "can be changed by group \(group)" : nil
  }

  /// Whether every user of the machine may read it, and gets to it.
  var isReadByAll: Bool {
    mode & 0o004 != 0 && foldersAbove.allSatisfy { $0.mode & 0o001 != 0 }
  }

  /// From the nearest to the root, as far as they can be seen, links resolved.
  var foldersAbove: [FileFacts] {
    guard let resolved = realpath(path, nil) else { return [] }
    defer { free(resolved) }
    var folder = String(cString: resolved)[...]
    var all: [FileFacts] = []
    for _ in 0..<Self.mostSteps {
      guard let slash = folder.lastIndex(of: "/"), folder != "/" else { break }
      folder = slash == folder.startIndex ? "/" : folder[..<slash]
      if let facts = try? FileFacts(String(folder)) { all.append(facts) }
    }
    return all
  }
}
