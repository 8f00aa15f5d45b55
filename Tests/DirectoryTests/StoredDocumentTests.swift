import Directory
import Foundation
import Numbering
import Testing

@Suite struct StoredDocumentTests {
  /// As the database of the first release keeps it, with every key set.
  private func stored() throws -> Data {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try Data(contentsOf: folder.appending(path: "Fixtures/directory/stored-1.json"))
  }

  @Test("A document that an earlier release stored is read; a key added since must have a default")
  func earlierRelease() throws {
    var document = try JSONDecoder().decode(DirectoryDocument.self, from: stored())
    let before = document.identities
    let snapshot = try DirectoryCompiler.compile(&document, revision: 1)
    #expect(snapshot.extensions.map(\.digits.description) == ["201", "202", "203"])
    #expect(snapshot.trunks.map(\.name) == ["main", "backup"])
    #expect(document.identities == before)
  }

  @Test("What is stored comes back as it was")
  func roundTrip() throws {
    let document = try JSONDecoder().decode(DirectoryDocument.self, from: stored())
    let again = try JSONDecoder().decode(
      DirectoryDocument.self, from: JSONEncoder().encode(document))
    #expect(again == document)
  }
}
