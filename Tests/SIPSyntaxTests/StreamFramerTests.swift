import Elements
import TestKit
import Testing

@testable import SIPSyntax

@Suite struct StreamFramerTests {
  private func items(
    of framer: inout StreamFramer
  ) throws(StreamError) -> [StreamFramer.Item] {
    var items: [StreamFramer.Item] = []
    while let item = try framer.next() { items.append(item) }
    return items
  }

  /// Property: however a stream is cut, the same messages come out.
  @Test(
    "RFC 3261 §18.3: messages come out whole, however the stream is cut", arguments: UInt64(1)...40)
  func cutAnywhere(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    var messages: [[UInt8]] = []
    for path in Corpus.flows.filter({ !CallFlowTests.misprints.contains($0) }).shuffled(
      using: &random
    ).prefix(8) {
      messages.append(try Fixtures.bytes(path))
    }
    let stream = Array(messages.joined(separator: StreamFramer.ping))
    var framer = StreamFramer()
    var found: [[UInt8]] = []
    var offset = 0
    while offset < stream.count {
      let step = Int.random(in: 1...(seed % 2 == 0 ? 3 : 700), using: &random)
      let end = min(offset + step, stream.count)
      framer.append(stream[offset..<end])
      for case .message(let message) in try items(of: &framer) { found.append(message) }
      offset = end
    }
    #expect(found == messages)
    #expect(framer.pendingBytes == 0)
  }

  @Test("RFC 5626 §3.5.1: a double CRLF is a ping, a single one a pong")
  func keepAlives() throws {
    var framer = StreamFramer()
    framer.append(StreamFramer.ping)
    #expect(try items(of: &framer) == [.ping])
    framer.append(StreamFramer.pong)
    #expect(try items(of: &framer) == [.pong])
    framer.append([0x0D])
    #expect(try items(of: &framer) == [])
    framer.append([0x0A])
    #expect(try items(of: &framer) == [.ping], "the second CRLF of a pair that was cut")
    let message = try Fixtures.bytes("rfc3665/3.1-F1.sip")
    framer.append(StreamFramer.ping + StreamFramer.ping + message + StreamFramer.pong)
    #expect(try items(of: &framer) == [.ping, .ping, .message(message), .pong])
  }

  @Test(
    "A20, RFC 4475 §3.1.2.3, §3.3.9: a length that cannot be trusted ends the stream, with an answer",
    arguments: ["ncl", "mcl01", "inv2543"])
  func badLength(_ name: String) throws {
    var framer = StreamFramer()
    framer.append(try Fixtures.bytes("rfc4475/\(name).dat"))
    let error = try #require(throws: StreamError.self) { try items(of: &framer) }
    #expect(error.rejected?.status == 400)
    #expect(error.rejected?.isAnswerable == true)
  }

  @Test("RFC 4475 §3.1.2.2: a stream waits for the rest of a body")
  func waitsForBody() throws {
    var framer = StreamFramer()
    framer.append(try Fixtures.bytes("rfc4475/clerr.dat"))
    #expect(try items(of: &framer) == [])
    #expect(framer.isWithinMessage)
  }

  @Test("A20: a message that is too large is refused by its length, before its body is there")
  func tooLarge() throws {
    let head = """
      MESSAGE sip:b@example.com SIP/2.0
      Via: SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK1
      From: <sip:a@example.com>;tag=1
      To: <sip:b@example.com>
      Call-ID: c1
      CSeq: 1 MESSAGE
      Content-Length: 65536


      """
    var framer = StreamFramer()
    framer.append(MessageTests.bytes(head))
    let error = try #require(throws: StreamError.self) { try framer.next() }
    #expect(error.rejected?.status == 513)
  }

  @Test(
    "A head up to its limit is taken, a longer one is not, whether it comes at once or in pieces")
  func longHead() throws {
    let start = "Content-Length: 0\r\nX: "
    for excess in [0, 1] {
      let count = MessageLimits.headBytes - start.utf8.count - 4 + excess
      let head = Array((start + String(repeating: "y", count: count) + "\r\n\r\n").utf8)
      for piece in [1, 1000, head.count] {
        var framer = StreamFramer()
        var found: [StreamFramer.Item] = []
        let error = Result { () throws(StreamError) in
          for offset in stride(from: 0, to: head.count, by: piece) {
            framer.append(head[offset..<min(offset + piece, head.count)])
            found += try items(of: &framer)
          }
        }
        switch error {
        case .success: #expect(excess == 0 && found == [.message(head)], "pieces of \(piece)")
        case .failure(let error):
          #expect(excess == 1 && error == .headTooLong, "pieces of \(piece)")
        }
      }
    }
  }

  @Test("A20: a head without an end is refused at its limit")
  func endlessHead() throws {
    var framer = StreamFramer()
    let line = Array("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".utf8)
    var bytes = 0
    #expect(throws: StreamError.headTooLong) {
      while bytes < 10 * MessageLimits.headBytes {
        framer.append(line)
        bytes += line.count
        let item = try framer.next()
        #expect(item == nil)
      }
    }
    #expect(bytes <= MessageLimits.headBytes + line.count)
  }
}
