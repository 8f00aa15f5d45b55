import Elements
import SIPSyntax

/// Bytes of a TCP connection: however they are cut, the same messages come out.
struct StreamSubject: Subject {
  static let name = "stream"
  static let mostBytes = MessageLimits.messageBytes

  /// What a stream comes to.
  struct Outcome: Equatable {
    var messages: [[UInt8]] = []
    var error: StreamError?
    var pending = 0

    var summary: String {
      "\(messages.map(\.count)), \(pending) pending, \(error?.description ?? "no error")"
    }
  }

  func work(_ input: [UInt8]) -> Outcome { read(input, in: [input.count]) }

  private func read(_ input: [UInt8], in cuts: [Int]) -> Outcome {
    var framer = StreamFramer()
    var outcome = Outcome()
    var offset = 0
    do throws(StreamError) {
      for cut in cuts {
        framer.append(input[offset..<cut])
        offset = cut
        while let item = try framer.next() {
          // Pings may be told apart only while they are whole.
          if case .message(let bytes) = item { outcome.messages.append(bytes) }
        }
      }
      outcome.pending = framer.pendingBytes
    } catch {
      outcome.error = error
      _ = error.rejected.map { ($0.status, $0.isAnswerable) }
    }
    return outcome
  }

  func check(_ outcome: Outcome, of input: [UInt8]) {
    var dice = SplitMix(seed: fingerprint(of: input))
    for most in input.count > 4096 ? [1500] : [1, 40, 1500] {
      var cuts: [Int] = []
      while (cuts.last ?? 0) < input.count {
        cuts.append(min((cuts.last ?? 0) + Int.random(in: 1...most, using: &dice), input.count))
      }
      let other = read(input, in: cuts)
      require(
        other == outcome, "another cut gives the same: \(other.summary) for \(outcome.summary)")
    }
    for bytes in outcome.messages {
      guard let message = try? MessageParser.parse(bytes, framing: .stream) else { continue }
      require(message.endOffset == bytes.count, "framer and parser see the same end")
    }
  }
}
