package import ACME
import Elements
import Foundation
package import Net

/// The folder of one certificate that an authority has issued to us, and what is noted of its renewal.
package struct IssuedCertificate: Sendable {
  /// What is kept beside the files.
  package struct Note: Codable, Hashable, Sendable {
    /// Whose certificate it is; from another authority it is got anew.
    var directory: String
    package var plan = RenewalPlan()
  }

  /// Folders of further certificates whose names begin so belong to the server.
  static let prefix = "acme-"

  let name: String
  private let tls: TLSSettings

  package init(_ name: String, in tls: TLSSettings) {
    (self.name, self.tls) = (name, tls)
  }

  package var folder: String { "\(tls.folder)/\(Self.prefix)\(name)" }
  private var notePath: String { folder + "/renewal.json" }

  /// From when to when the certificate of this authority holds that is there and whole; nil: it is to be got.
  func life(at directory: String) -> ClosedRange<WallTime>? {
    let state = tls.examine(Self.prefix + name)
    guard state.complaint == nil, let start = state.start, let end = state.end, start <= end,
      state.names.contains(name), storedNote?.directory == directory
    else { return nil }
    return start...end
  }

  private var storedNote: Note? {
    guard let data = try? Data(contentsOf: URL(filePath: notePath)) else { return nil }
    return try? JSONDecoder().decode(Note.self, from: data)
  }

  /// What was noted under this authority; of another one nothing counts.
  func note(for directory: String) -> Note {
    if let note = storedNote, note.directory == directory { return note }
    return Note(directory: directory)
  }

  /// Both files, the key first: who reads between the two finds that they do not fit, and keeps the old ones.
  ///
  /// A disk that has room for one of them only keeps both old ones.
  func put(_ pair: Issuance.Pair) throws {
    try makeFolder()
    try KeptFile.write([
      (pair.key, folder + "/key.pem", 0o600), (pair.chain, folder + "/certificate.pem", 0o600),
    ])
  }

  func write(_ note: Note) throws {
    try makeFolder()
    let text = String(decoding: try JSONEncoder().encode(note), as: UTF8.self)
    try KeptFile.write(text, to: notePath)
  }

  private func makeFolder() throws {
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }
}
