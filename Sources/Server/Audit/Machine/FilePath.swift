import Foundation

/// The way to a file: each folder and each link that is passed on it (path_resolution(7)).
///
/// Who may change one of them has another file found under the same name.
struct FilePath {
  /// A link that lies in a folder with the sticky bit, where its owner, too, may change it.
  struct LooseLink: Hashable {
    let path: String
    let owner: UInt32
  }

  /// From the root on, each once.
  private(set) var folders: [FileFacts] = []
  private(set) var looseLinks: [LooseLink] = []
  /// Why the way could not be seen to its end; nil: it was.
  private(set) var failure: FileFacts.Failure?

  private static let mostLinks = 40

  init(_ path: String) {
    do throws(FileFacts.Failure) { try follow(path) } catch { failure = error }
  }

  private mutating func follow(_ path: String) throws(FileFacts.Failure) {
    var ahead = Self.names(path)
    if !path.hasPrefix("/") { ahead = Self.names(FileManager.default.currentDirectoryPath) + ahead }
    var here: [Substring] = []
    var links = 0
    try pass(here)
    while !ahead.isEmpty {
      let name = ahead.removeFirst()
      guard name != ".." else {
        _ = here.popLast()
        continue
      }
      let place = Self.text(here + [name])
      if let target = Self.target(of: place) {
        links += 1
        guard links <= Self.mostLinks else { throw .absent }
        note(link: place, in: Self.text(here))
        if target.hasPrefix("/") { here = [] }
        ahead = Self.names(target) + ahead
      } else {
        here.append(name)
        if !ahead.isEmpty { try pass(here) }
      }
    }
  }

  private mutating func pass(_ here: [Substring]) throws(FileFacts.Failure) {
    let facts = try FileFacts(Self.text(here))
    if !folders.contains(facts) { folders.append(facts) }
  }

  private mutating func note(link: String, in folder: String) {
    guard let owner = FileFacts.owner(ofLink: link), (try? FileFacts(folder))?.isSticky == true
    else { return }
    looseLinks.append(LooseLink(path: link, owner: owner))
  }

  private static func target(of path: String) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: path)
  }

  private static func names(_ path: String) -> [Substring] {
    path.split(separator: "/").filter { $0 != "." }
  }

  private static func text(_ names: [Substring]) -> String { "/" + names.joined(separator: "/") }
}
