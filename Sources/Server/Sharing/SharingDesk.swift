import ConfigurationFiles
import API
import Directory
import Elements
import Foundation
import Guard
import Net
import Sharing

/// Answers what operators ask about shared bans.
struct SharingDesk {
  private let service: SharingService

  init(_ service: SharingService) {
    self.service = service
  }

  func listings(about address: IPAddress? = nil) -> [ListingReport] {
    service.standings(about: address).map { standing in
      let report = standing.report
      var row = ListingReport(
        network: "\(report.network)", by: standing.origin, isFile: report.entry == nil,
        why: report.entry?.listing.words ?? "listed", banned: standing.bannedUntil != nil,
        since: report.since.iso8601, until: report.until.iso8601)
      row.sequence = report.entry?.sequence
      row.evidence = report.entry.map { "\($0.listing.digest)" }
      return row
    }
  }

  func peers() -> [PeerReport] {
    service.peers().map { standing in
      var row = PeerReport(
        name: standing.peer.name, url: standing.peer.url, trust: standing.peer.trust.rawValue,
        sequence: standing.sequence, listings: standing.listings, ignored: standing.state.ignored)
      row.lastIgnored = standing.state.lastIgnored
      row.answeredAt = standing.state.answeredAt?.iso8601
      row.complaint = standing.state.complaint
      return row
    }
  }

  var identity: IdentityReport {
    IdentityReport(
      key: Data(service.identity.bytes).base64EncodedString(), sequence: service.bell.last,
      listen: service.settings.listen.map { "\($0)" })
  }

  func importList(
    _ text: String, file: String, name: String, seconds: Int64, by person: String
  ) throws -> ControlReply {
    guard !name.isEmpty, name.utf8.count <= 64, name.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
      throw ConfigurationError(
        field: "name", problem: "\"\(name)\" is no name for a list",
        wayOut: "Give 1 to 64 letters and digits without spaces.")
    }
    guard (1...31_536_000).contains(seconds) else {
      throw ConfigurationError(
        field: "for", problem: "\(seconds) s is no time for a list",
        wayOut: "Give one second to a year.")
    }
    let list: PlainList
    do {
      list = try service.importList(
        Array(text.utf8), name: name, until: Clocks.wall() + .seconds(seconds), by: person)
    } catch let mistake as PlainList.Mistake {
      return .failed("\(file):\(mistake.line): \(mistake.problem). Nothing was changed.")
    }
    let leftOut =
      list.leftOut.isEmpty
      ? ""
      : " Left out are \(list.leftOut.count) that are never banned: "
        + list.leftOut.prefix(10).map { "\($0)" }.joined(separator: ", ")
        + (list.leftOut.count > 10 ? " …" : ".")
    return .done("\(name): \(list.networks.count) networks are banned for \(seconds) s.\(leftOut)")
  }

  func forget(_ name: String, by person: String) throws -> ControlReply {
    try service.forget(name, by: person)
    return .done("What \(name) has said is forgotten; its list is heard from the beginning.")
  }

  /// A person has lifted what is banned of a network, and the switch has answered; what others say of it is let go, also where it
  /// is only watched, or was on its way to the switch.
  func dismiss(_ text: String, _ reply: ControlReply) throws -> ControlReply {
    guard let network = IPNetwork(text) else { return reply }
    let count = try service.dismiss([network])
    guard case .failed(let why) = reply, count > 0 else { return reply }
    return .done("What others list of \(network) is let go of (\(count)). \(why)")
  }
}

extension DirectorySnapshot {
  /// Who is never listed, whatever anybody says.
  var unlistable: [IPNetwork] { neverBanned + trunks.flatMap(\.sources) }
}
