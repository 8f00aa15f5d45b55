import API
import Elements
import Foundation
import Server
import Store
import Testing

@Suite struct DoctorTests {
  /// What the doctor says of journal and database.
  private func verdict(_ path: String) -> FindingReport.Verdict? {
    var configuration = Configuration()
    configuration.data = path
    return Doctor(configuration).examine().first { $0.subject == "journal" }?.verdict
  }

  /// A folder that a server has worked in, closed again.
  private func servedFolder(_ change: (ServedFolder) throws -> Void = { _ in }) throws -> String {
    let path = try {
      let folder = try ServedFolder()
      try folder.serve([])
      try change(folder)
      let kept = folder.path + "-kept"
      folder.administration.database.close()
      try FileManager.default.copyItem(atPath: folder.path, toPath: kept)
      return kept
    }()
    return path
  }

  @Test("Journal and database of one piece are well")
  func well() throws {
    let path = try servedFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(verdict(path) == .ok)
  }

  @Test("A lost journal is a problem before a start that fails, and after it")
  func lostJournal() throws {
    let path = try servedFolder { folder in
      try FileManager.default.removeItem(atPath: folder.journalPath)
      #expect(throws: StoreError.journalMissing) { try folder.openJournal() }
      #expect(folder.segments.isEmpty, "a failed start begins no journal")
    }
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(verdict(path) == .problem)
  }

  @Test("A journal that is not the database's is a problem, though it is there")
  func otherJournal() throws {
    let path = try servedFolder { folder in
      try FileManager.default.removeItem(atPath: folder.journalPath)
      _ = try Journal(in: folder.administration.folder) { _ in }
      #expect(folder.segments.count == 1)
    }
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(verdict(path) == .problem)
  }
}
