package import Elements
import Foundation
import Glibc

/// The folder of our certificates: the standard pair in it, and one folder more for each further pair.
///
///     certificate.pem  key.pem
///     example.com/certificate.pem  example.com/key.pem
struct CertificateFolder {
  /// Pairs that are taken; a server has a few, and each costs a look every few seconds.
  static let mostNamed = 1_000

  let path: String

  /// The folders of further pairs, by name.
  var names: [String] {
    guard let listing = opendir(path) else { return [] }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing), names.count < Self.mostNamed {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard !name.hasPrefix("."), files(of: name).contains(where: { access($0, F_OK) == 0 })
      else { continue }
      names.append(name)
    }
    return names.sorted()
  }

  func folder(_ name: String?) -> String { name.map { "\(path)/\($0)" } ?? path }

  /// Certificate and key of a further pair, or with nil of the standard one.
  func files(of name: String?) -> [String] {
    [ServerCertificate.certificateFile, ServerCertificate.keyFile].map { "\(folder(name))/\($0)" }
  }

  /// Every file of it.
  var files: [String] { files(of: nil) + names.flatMap { files(of: $0) } }
}

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

/// What a pair of certificate and key is worth.
package struct CertificateState: Hashable, Sendable {
  /// The folder of the pair.
  package let folder: String
  /// Nil: the standard one.
  package let name: String?
  /// From when to when the one holds that is in force; nil: none is.
  package var start: WallTime?
  package var end: WallTime?
  /// Hosts and SIP domains that it serves.
  package var names: [String] = []
  /// What is wrong with the files as they are now.
  package var complaint: NetError?

  mutating func adopt(_ certificate: ServerCertificate) {
    (start, end, names) = (certificate.start, certificate.end, certificate.names)
  }

  package var certificatePath: String { folder + "/" + ServerCertificate.certificateFile }
  package var keyPath: String { folder + "/" + ServerCertificate.keyFile }
}
