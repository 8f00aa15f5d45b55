import Elements
import Foundation
import Glibc
import Net
import Server

/// One of the demo's processes: takes orders on its standard input and reports on its standard output.
package enum Agent {
  /// Plays the role that the first line of the input names, until the input ends.
  package static func run() async throws {
    guard let first = firstLine(),
      case .play(let role) = try JSONDecoder().decode(AgentOrder.self, from: first)
    else { throw AgentError("the first line of the standard input names no role") }
    switch role {
    case .phone(let settings):
      try run { loop throws(NetError) in _ = try Softphone(settings, book: nil, loop: loop) }
    case .carrier(let settings, let prices):
      try run { loop throws(NetError) in
        _ = try Softphone(settings, book: CarrierBook(prices), loop: loop)
      }
    case .mailServer:
      try run { loop throws(NetError) in _ = try MailSink(loop: loop) }
    case .server(let folder, let rtp):
      try await serve(dataFolder: folder, rtp: rtp)
    }
  }

  /// Writes a report now: whoever waits for it reads a pipe.
  static func report(_ report: AgentReport) {
    let line = AgentLine(at: Clocks.wall().unixMilliseconds, report: report)
    guard var bytes = try? JSONEncoder().encode(line) else { return }
    bytes.append(UInt8(ascii: "\n"))
    FileHandle.standardOutput.write(bytes)
  }

  /// Puts a resident on a lane of its own; it ends the process by itself.
  private static func run(
    _ populate: @escaping @Sendable (LaneLoop) throws(NetError) -> Void
  ) throws {
    let lane = try LaneThread(
      name: "agent", waker: try LaneWaker(),
      failed: { error in
        report(.failed("\(error)"))
        exit(70)
      }, populate: populate)
    withExtendedLifetime(lane) {
      while true { pause() }
    }
  }

  /// The server as `martinet serve` runs it; it drains when the input ends.
  private static func serve(dataFolder: String, rtp: String) async throws {
    var configuration = Configuration()
    for (key, text) in [
      ("data", dataFolder), ("sip", "udp:127.0.0.1:0"), ("http", "127.0.0.1:0"), ("rtp", rtp),
      ("log_level", "warning"),
    ] {
      try configuration.set(key, to: text)
    }
    let watch = Thread {
      while firstLine() != nil {}
      // The first drains, the second ends what still talks.
      kill(getpid(), SIGTERM)
      Thread.sleep(forTimeInterval: 0.2)
      kill(getpid(), SIGTERM)
    }
    watch.start()
    try await Serving.serve(configuration)
  }

  /// One line of the standard input, byte by byte so that nothing behind it is taken; nil at the end.
  private static func firstLine() -> Data? {
    var line = Data()
    var byte: UInt8 = 0
    while read(STDIN_FILENO, &byte, 1) == 1 {
      if byte == UInt8(ascii: "\n") { return line }
      line.append(byte)
    }
    return nil
  }
}

/// Why an agent cannot go on, in a sentence.
struct AgentError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
