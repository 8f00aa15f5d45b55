package import Elements

/// Why an entry does not continue the list of its reporter: nothing of it is believed, and he stays where he was.
package enum EntryRefusal: Error, Hashable, CustomStringConvertible {
  /// Nobody that we listen to.
  case stranger(Bits256)
  case replayed(sequence: UInt64, last: UInt64)
  case gap(sequence: UInt64, last: UInt64)
  /// It has another history than the one that we know.
  case forked(sequence: UInt64)

  package var description: String {
    switch self {
    case .stranger(let key): "nobody with the key \(key) is among the peers"
    case .replayed(let sequence, let last):
      "entry \(sequence) was there before: the list is at \(last)"
    case .gap(let sequence, let last): "entry \(sequence) does not follow \(last)"
    case .forked(let sequence):
      """
      entry \(sequence) does not follow from what this reporter said before. Was it restored from a backup, its \
      list must be taken anew: `martinet bans forget NAME`
      """
    }
  }
}

/// Why an entry that continues its reporter's list has no effect.
package enum EntryDefect: Hashable, Sendable, CustomStringConvertible {
  case expired
  /// It is of a time that has not come, or its times contradict each other.
  case wrongTime
  /// It would hold for longer than anybody is listed.
  case tooLong
  case unproven
  case tooWide(IPNetwork)
  /// It overlaps what is never listed.
  case never(IPNetwork, IPNetwork)
  /// The reporter has listed more within the hour than it may.
  case tooOften
  /// As many of its listings hold already as may.
  case tooMany
  /// The removal of what it has not listed.
  case notListed(IPNetwork)

  package var description: String {
    switch self {
    case .expired: "it is over"
    case .wrongTime: "its times cannot be: compare the clocks of both servers"
    case .tooLong: "it would hold for too long"
    case .unproven: "what it rests on is not proven"
    case .tooWide(let network): "\(network) is too wide"
    case .never(let network, let never): "\(network) touches \(never), which is never listed"
    case .tooOften: "its reporter lists too many within an hour"
    case .tooMany: "too many listings of its reporter hold"
    case .notListed(let network): "its reporter has not listed \(network)"
    }
  }

  /// A fault of the reporter, and no matter of course as for one who was away.
  package var isSuspicious: Bool {
    switch self {
    case .expired, .notListed: false
    case .wrongTime, .tooLong, .unproven, .tooWide, .never, .tooOften, .tooMany: true
    }
  }
}

/// What became of an entry that continues its reporter's list.
package enum EntryVerdict: Hashable, Sendable {
  case counts
  case ignored(EntryDefect)
}
