import Foundation

/// How files looked when somebody looked: another value means that one was changed.
struct FileLooks: Hashable {
  private struct Look: Hashable {
    let path: String
    let number: Int
    let size: Int
    let changed: Date
  }

  private let looks: [Look]

  /// Links are followed: another program's files may change behind them.
  init(at paths: [String]) {
    looks = paths.compactMap { path in
      let place = URL(filePath: path).resolvingSymlinksInPath().path
      guard let facts = try? FileManager.default.attributesOfItem(atPath: place) else { return nil }
      return Look(
        path: path, number: facts[.systemFileNumber] as? Int ?? 0,
        size: facts[.size] as? Int ?? 0,
        changed: facts[.modificationDate] as? Date ?? .distantPast)
    }
  }
}
