import API
import Elements
import Foundation
import Limits
import Server
import Switch
import Testing

@Suite struct RecoverTests {
  private func lostJournal(_ entries: [JournalEntry] = []) throws -> ServedFolder {
    let folder = try ServedFolder()
    try folder.serve(entries)
    try FileManager.default.removeItem(atPath: folder.journalPath)
    return folder
  }

  @Test("Nothing lost is a sentence, and nothing is given up, whatever was asked")
  func together() throws {
    let folder = try ServedFolder()
    try folder.serve([])
    for accepts in [false, true] {
      let report = try folder.administration.recover(accepts: accepts, by: "anna")
      #expect(
        report.text(folder: "data")
          == "Journal and database belong together: nothing is lost, and nothing was changed.")
    }
    #expect(folder.segments.count == 1)
  }

  @Test("A lost journal: what is wrong, what it costs, who was blocked, and the command to go on")
  func text() throws {
    let blocked: [(String, Alert.Kind, Int64)] = [
      ("office 101", .accountBlocked, 3), ("office 102", .accountBlocked, 3),
      ("office 102", .accountUnblocked, 2),
    ]
    let folder = try lostJournal(
      blocked.map { ServedFolder.alert($1, $0, at: ServedFolder.daysAgo($2)) })
    let text = try folder.administration.recover(accepts: false, by: "anna").text(folder: "data")
    #expect(!FileManager.default.fileExists(atPath: folder.journalPath), "looking makes nothing")
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.first == "The journal that the database has followed is not there any more.")
    #expect(lines.contains("Going on without it would lose:"))
    #expect(lines.last == "To accept that: martinet recover --accept-lost-journal --data data")
    #expect(lines.contains { $0.hasPrefix("  - What was spent is forgotten") })
    let blocks = try #require(lines.first { $0.hasPrefix("  - Blocks are lifted") })
    #expect(blocks.hasSuffix(": office 101.") && blocks.contains("martinet limits block"))

    let accepted = try folder.administration.recover(accepts: true, by: "anna").text(
      folder: "data")
    #expect(accepted.contains("It was given up. Lost are:"))
    #expect(accepted.hasSuffix("The server can be started."))
    try folder.openJournal()
    #expect(folder.segments.count == 1)
  }

  @Test("A journal that makes no sense to the ledger is no good journal, and is put aside whole")
  func unreadable() throws {
    let folder = try ServedFolder()
    try folder.serve([.ledger(.answered(HoldID(7)))])  // Of a hold that nobody has opened.
    let report = try folder.administration.recover(accepts: true, by: "anna")
    #expect(report.complaint?.contains("makes no sense") == true)
    let aside = try #require(report.aside)
    #expect(report.text(folder: "data").contains("The old journal is in \(aside)."))
    #expect(FileManager.default.fileExists(atPath: aside) && folder.segments.isEmpty)
  }
}
