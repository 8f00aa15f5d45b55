import ACME
import Elements
import Foundation
import Net
import Server
import Testing

@Suite struct RenewalNotesTests {
  private let directory = "https://authority.example/directory"

  @Test(
    "A failure that cannot be written down still holds the next order up; one that can be is on disk"
  )
  func unwritable() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "notes-\(UUID())").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let shelf = IssuedCertificate(
      "sip.example", in: TLSSettings(folder: path, names: ["sip.example"]))
    // Where its folder should be stands a file, which keeps out root, too.
    try Data().write(to: URL(filePath: shelf.folder))
    let notes = RenewalNotes()
    var note = notes.note(of: shelf, for: directory)
    let now = ServedFolder.now
    #expect(note.plan.isDue(life: nil, at: now))
    note.plan.failed("the disk is full", at: now)
    #expect(throws: (any Error).self) { try notes.keep(note, of: shelf) }
    #expect(notes.note(of: shelf, for: directory) == note)
    #expect(!notes.note(of: shelf, for: directory).plan.isDue(life: nil, at: now + .seconds(1)))
    #expect(notes.note(of: shelf, for: "https://other.example/").plan.isDue(life: nil, at: now))

    try FileManager.default.removeItem(atPath: shelf.folder)
    note.plan.failed("refused", at: now + .seconds(60))
    try notes.keep(note, of: shelf)
    #expect(RenewalNotes().note(of: shelf, for: directory) == note, "as after a restart")
    // The operator's way to an attempt at once.
    try FileManager.default.removeItem(atPath: shelf.folder + "/renewal.json")
    #expect(notes.note(of: shelf, for: directory).plan.isDue(life: nil, at: now))
  }
}
