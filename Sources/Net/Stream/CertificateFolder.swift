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
