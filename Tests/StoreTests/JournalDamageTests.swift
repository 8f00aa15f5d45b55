import Store
import Testing

@Suite struct JournalDamageTests {
  /// Where the frames of a segment begin: the header, the end of the checkpoint, then the batches.
  private static let firstBatch = 64 + 32
  private static let frame = JournalFrame.sizeBytes(payloadBytes: 40)

  @Test("F23: a tail torn at any byte of the last frame is cut, and the rest stands")
  func tornTail() throws {
    let bench = try JournalBench(segmentBytes: 4 << 10)
    try bench.fill(4)
    let name = try #require(try bench.segments.last)
    let whole = try bench.folder.bytes(name)
    let start = JournalDamageTests.firstBatch + 3 * JournalDamageTests.frame
    // The last frame's payload ends in zeros only where its padding begins.
    for cut in start..<(start + JournalFrame.headerBytes + 40) {
      var torn = whole
      for index in cut..<torn.count { torn[index] = 0 }
      try bench.folder.write(torn, to: name)
      #expect(try bench.recovered() == [1, 2, 3], "cut at \(cut)")
      let mended = try bench.folder.bytes(name)
      #expect(mended[start...].allSatisfy { $0 == 0 }, "nothing of the torn frame is left")
    }
  }

  @Test("F23: a wrong byte anywhere in the last frame cuts it")
  func alteredTail() throws {
    let bench = try JournalBench(segmentBytes: 4 << 10)
    try bench.fill(4)
    let name = try #require(try bench.segments.last)
    let whole = try bench.folder.bytes(name)
    let start = JournalDamageTests.firstBatch + 3 * JournalDamageTests.frame
    for index in start..<(start + JournalFrame.headerBytes + 40) {
      var torn = whole
      torn[index] ^= 0x40
      try bench.folder.write(torn, to: name)
      #expect(try bench.recovered() == [1, 2, 3], "altered at \(index)")
    }
  }

  @Test("After a cut the journal goes on, and the next restart has both halves")
  func goesOnAfterCut() throws {
    let bench = try JournalBench(segmentBytes: 4 << 10)
    try bench.fill(3)
    let name = try #require(try bench.segments.last)
    var torn = try bench.folder.bytes(name)
    torn[JournalDamageTests.firstBatch + 2 * JournalDamageTests.frame + 40] ^= 1
    try bench.folder.write(torn, to: name)
    let (journal, said) = (try bench.open(), Said<JournalNotice>())
    #expect(journal.lastRecovered == 2)
    journal.start { said($0) }
    journal.append(sequence: 3, marks: [], payload: JournalBench.payload(3, count: 8))
    #expect(said.wait { $0 == .durable(through: 3) })
    journal.close()
    #expect(try bench.recovered() == [1, 2, 3])
  }

  @Test("A wrong byte in a confirmed entry refuses to start, names the place and changes nothing")
  func damagedMiddle() throws {
    let bench = try JournalBench(segmentBytes: 4 << 10)
    try bench.fill(4)
    let name = try #require(try bench.segments.last)
    let place = JournalDamageTests.firstBatch + JournalDamageTests.frame
    var damaged = try bench.folder.bytes(name)
    damaged[place + 40] ^= 1
    try bench.folder.write(damaged, to: name)
    let path = "\(bench.folder.path)/\(name)"
    #expect(
      throws: JournalError.damaged(
        path: path, offset: place, after: 1, what: "a confirmed entry is gone")
    ) { try bench.open() }
    #expect(try bench.folder.bytes(name) == damaged)
  }

  @Test("A hole before entries of the same unconfirmed flush is a torn tail, not damage")
  func holeInOneFlush() throws {
    let bench = try JournalBench(segmentBytes: 4 << 10)
    try bench.fill(1)
    // Three batches queued before the writer starts go out in one flush.
    let journal = try bench.open()
    for sequence in UInt64(2)...4 {
      journal.append(sequence: sequence, marks: [], payload: JournalBench.payload(sequence))
    }
    journal.start { _ in }
    journal.close()
    let name = try #require(try bench.segments.last)
    var torn = try bench.folder.bytes(name)
    torn[JournalDamageTests.firstBatch + JournalDamageTests.frame + 40] ^= 1
    try bench.folder.write(torn, to: name)
    #expect(try bench.recovered() == [1])
    let mended = try bench.folder.bytes(name)
    let end = JournalDamageTests.firstBatch + JournalDamageTests.frame
    #expect(mended[end...].allSatisfy { $0 == 0 }, "entries behind the hole cannot come back")
  }

  @Test("A damaged header or checkpoint refuses to start", arguments: [0, 20, 60, 64 + 24])
  func damagedHead(offset: Int) throws {
    let bench = try JournalBench(segmentBytes: 4 << 10)
    try bench.fill(2)
    let name = try #require(try bench.segments.last)
    var damaged = try bench.folder.bytes(name)
    damaged[offset] ^= 1
    try bench.folder.write(damaged, to: name)
    #expect(throws: JournalError.self) { try bench.open() }
  }

  @Test("A missing segment between two others is named")
  func missingSegment() throws {
    let bench = try JournalBench(segmentBytes: 8 << 10)
    try bench.fill(60, payloadBytes: 500)
    let missing = "\(bench.folder.path)/\(try bench.segments[1])"
    try SystemDisk().remove(missing)
    #expect(throws: JournalError.missingSegment(path: missing)) { try bench.open() }
  }

  @Test("A segment of another journal is refused")
  func foreignSegment() throws {
    let (bench, other) = (
      try JournalBench(segmentBytes: 8 << 10), try JournalBench(segmentBytes: 8 << 10)
    )
    try bench.fill(30, payloadBytes: 500)
    try other.fill(30, payloadBytes: 500)
    let name = try #require(try bench.segments.last)
    try bench.folder.write(try other.folder.bytes(name), to: name)
    #expect(throws: JournalError.foreignSegment(path: "\(bench.folder.path)/\(name)")) {
      try bench.open()
    }
  }

  @Test("An entry the owner cannot read stops the start, named by its sequence")
  func unreadableEntry() throws {
    struct Strange: Error {}
    let bench = try JournalBench()
    try bench.fill(3)
    #expect {
      try bench.open { frame in
        if frame.kind == .batch, frame.sequence == 2 { throw Strange() }
      }
    } throws: { error in
      guard case JournalError.unreadableEntry(_, let sequence, _) = error else { return false }
      return sequence == 2
    }
  }
}
