import Foundation
import Glibc

/// Who may do what with a file; of a link what it leads to counts.
struct FileFacts: Hashable, Sendable {
  let path: String
  let owner: UInt32
  let group: UInt32
  let groupName: String?
  let mode: UInt32

  enum Failure: Error { case absent, unseen }

  /// Whoever is in them is root in all but name.
  private static let rootGroups: Set<String> = ["root", "disk", "kmem", "sudo", "wheel", "staff"]

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
    groupName = facts[.groupOwnerAccountName] as? String
    (self.owner, self.group, self.mode) = (owner, group, mode)
  }

  static func owner(ofLink path: String) -> UInt32? {
    // It does not look behind a link.
    (try? FileManager.default.attributesOfItem(atPath: path)).flatMap {
      number($0[.ownerAccountID])
    }
  }

  private static func number(_ value: Any?) -> UInt32? {
    (value as? Int).map { UInt32(truncatingIfNeeded: $0) }
      ?? (value as? UInt).map { UInt32(truncatingIfNeeded: $0) } ?? (value as? UInt32)
      ?? (value as? NSNumber)?.uint32Value
  }

  var isOwnersAlone: Bool { mode & 0o077 == 0 }
  var isSticky: Bool { mode & 0o1000 != 0 }

  /// Who else than `trusted` users may change it, in words; nil: nobody.
  ///
  /// In a folder with the sticky bit nobody moves what is another's.
  func changeableBy(otherThan trusted: Set<UInt32>, asFolderAbove: Bool = false) -> String? {
    if !trusted.contains(owner) { return "belongs to user \(owner)" }
    if asFolderAbove, isSticky { return nil }
    if mode & 0o002 != 0 { return "can be changed by everybody" }
    return mode & 0o020 != 0 && group != 0 && !(groupName.map(Self.rootGroups.contains) ?? false)
      ? "can be changed by group \(group)" : nil
  }

  /// Whether every user of the machine may read it, and gets to it.
  func isReadByAll() throws(Failure) -> Bool {
    guard mode & 0o004 != 0 else { return false }
    let way = FilePath(path)
    if let failure = way.failure { throw failure }
    return way.folders.allSatisfy { $0.mode & 0o001 != 0 }
  }
}
