import Foundation
import Store
import Testing

/// The writer's process dies by SIGKILL; what it had confirmed is there.
@Suite struct JournalKillTests {
  @Test(
    "F23: kill -9 in the middle of a batch loses nothing that was confirmed", arguments: [1, 7, 60])
  func kill(confirmations: Int) async throws {
    let bench = try JournalBench(segmentBytes: 16 << 10)
    let path = bench.folder.path
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [path = path as String, confirmations = confirmations as Int] in
      var options = Journal.Options()
      options.segmentBytes = 16 << 10
      let journal = try Journal(folder: path + "/journal", options: options) { _ in }
      let count = Monitor(0)
      let durable = Monitor(UInt64(0))
      journal.start { notice in
        guard case .durable(let sequence) = notice else { return }
        // Written down before the next confirmation, by one system call: it outlives the process.
        try? Data("\(sequence)".utf8).write(to: URL(filePath: path + "/confirmed"))
        count.withLock { $0 += 1 }
        durable.change {
          $0 = sequence
          return true
        }
        if count.withLock({ $0 }) == confirmations { Glibc.kill(getpid(), SIGKILL) }
      }
      for sequence in UInt64(1)...1_000_000 {
        // A few wait at a time, so that there are as many confirmations as the test wants.
        durable.wait(until: { sequence < $0 + 8 }) { _ in }
        let payload = (0..<40).map { UInt8(truncatingIfNeeded: Int(sequence) &* 31 &+ $0) }
        while !journal.append(sequence: sequence, marks: [], payload: payload) {}
      }
    }
    let confirmed = try #require(
      UInt64(String(decoding: try bench.folder.bytes("confirmed"), as: UTF8.self)))
    var sequences: [UInt64] = []
    _ = try Journal(folder: path + "/journal") { frame in
      guard frame.kind == .batch else { return }
      sequences.append(frame.sequence)
      #expect(frame.payload == JournalBench.payload(frame.sequence))
    }
    #expect(sequences.count >= Int(confirmed))
    #expect(sequences == Array(1...UInt64(sequences.count)))
  }
}
