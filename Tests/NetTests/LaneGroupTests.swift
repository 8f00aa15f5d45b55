import Elements
import Foundation
import Net
import SIP
import Switch
import Testing

/// Writes down what a lane wants kept, and confirms nothing by itself.
private final class RecordingSink: JournalSink {
  let batches = Recorder<JournalBatch>()
  let checkpoints = Recorder<UInt64>()

  func append(_ batch: JournalBatch) -> Bool {
    batches.append([batch])
    return true
  }

  func checkpoint(at sequence: UInt64, _ state: Checkpoint) {
    checkpoints.append([sequence])
  }
}

@Suite final class LaneGroupTests {
  private let folder = FileManager.default.temporaryDirectory
    .appending(path: "martinet-lanes-\(UUID().uuidString)").path()
  private let publications = Recorder<Publication>()
  private let sink = RecordingSink()

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func start(
    _ listeners: [ListenAddress], mediaLanes: Int = 0
  ) throws -> LaneGroup {
    var configuration = LaneConfiguration(listeners: listeners)
    configuration.mediaLanes = mediaLanes
    configuration.tls = TLSSettings(folder: folder, names: ["localhost"])
    let core = SwitchCore(
      configuration: SwitchConfiguration(nonceSecret: Secret("secret")), dice: .system)
    let publications = publications
    return try LaneGroup(
      configuration, core: core, lastSequence: 0,
      doors: LaneDoors(
        journal: sink, publish: { publications.append($0) },
        failed: { Issue.record("a lane broke: \($0)") }))
  }

  private static let everywhere = [
    ListenAddress(.udp, Endpoint(.v4Any, 0)), ListenAddress(.udp, Endpoint(.v6Loopback, 0)),
    ListenAddress(.tcp, Endpoint(.v4Loopback, 0)), ListenAddress(.tls, Endpoint(.v4Loopback, 0)),
  ]

  @Test("a request gets its answer over UDP and TCP, IPv4 and IPv6", arguments: [0, 2])
  func answers(mediaLanes: Int) throws {
    let group = try start(Self.everywhere, mediaLanes: mediaLanes)
    defer { group.stop() }
    #expect(group.listening.allSatisfy { $0.endpoint.port != 0 })
    #expect(group.listening.map(\.transport) == [.udp, .udp, .tcp, .tls])
    let ports = group.listening.map(\.endpoint.port)
    for (address, port) in [(IPAddress.v4Loopback, ports[0]), (.v6Loopback, ports[1])] {
      let phone = try TestSocket(address)
      phone.send(Array(Sample.options(1, over: "UDP").utf8), to: Endpoint(address, port))
      let answer = try #require(phone.receive())
      #expect(answer.from == Endpoint(address, port))
      #expect(String(decoding: answer.bytes, as: UTF8.self).hasPrefix("SIP/2.0 "))
    }
    let stream = try TestStream(to: group.listening[2].endpoint)
    stream.send(Sample.options(2))
    #expect(stream.receive(8) == "SIP/2.0 ")
    #expect(group.connections == 1)
  }

  @Test("a command is answered under its token, by another thread's door")
  func commands() throws {
    let group = try start([ListenAddress(.udp, Endpoint(.v4Loopback, 0))])
    defer { group.stop() }
    #expect(group.send(.status, token: CommandToken(7)))
    let all = publications.wait { all in all.contains { $0.token == CommandToken(7) } }
    #expect(all.contains { $0.token == CommandToken(7) })
    group.checkpointWanted()
    #expect(sink.checkpoints.wait(for: 1) == [0])
  }

  @Test("a port that is taken stops the start, named with the way out; nothing is left behind")
  func takenPort() throws {
    let taken = try TestSocket(.v4Loopback)
    let free = try TestSocket(.v4Loopback).local
    let wanted = ListenAddress(.udp, taken.local)
    let error = #expect(throws: NetError.self) {
      _ = try self.start([ListenAddress(.udp, free), wanted])
    }
    #expect(error?.description.contains("\(wanted)") == true)
    #expect(error?.description.contains("--sip") == true)
    _ = try DatagramSocket(bindingTo: free, .signalling)
  }
}

extension Publication {
  fileprivate var token: CommandToken? {
    if case .reply(let token, _) = self { token } else { nil }
  }
}
