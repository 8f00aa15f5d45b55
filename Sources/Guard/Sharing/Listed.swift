package import Elements

/// A network that is banned here for what others say of it.
package struct Listed: Hashable, Sendable {
  package let network: IPNetwork
  package let until: WallTime

  package init(_ network: IPNetwork, until: WallTime) {
    (self.network, self.until) = (network, until)
  }
}

/// One change of what is banned for what others say.
package enum ListChange: Hashable, Sendable {
  case list(Listed)
  case unlist(IPNetwork)

  package var network: IPNetwork {
    switch self {
    case .list(let listed): listed.network
    case .unlist(let network): network
    }
  }
}

/// What one origin says of a network.
package struct Report: Hashable, Sendable {
  package enum Origin: Hashable, Sendable {
    case peer(Bits256)
    /// A file that a person has read in, under this name.
    case file(String)
  }

  package let network: IPNetwork
  package let origin: Origin
  package let since: WallTime
  package let until: WallTime
  /// The entry's number and what it says; nil of a file.
  package let entry: Entry?

  /// Of whom, and how it can be found again.
  package struct Entry: Hashable, Sendable {
    package let sequence: UInt64
    package let listing: Listing

    package init(sequence: UInt64, listing: Listing) {
      (self.sequence, self.listing) = (sequence, listing)
    }
  }

  /// What a peer has listed.
  package init(_ listing: Listing, of reporter: Bits256, sequence: UInt64, at wall: WallTime) {
    (network, origin) = (listing.network, .peer(reporter))
    (since, until) = (wall, listing.expires)
    entry = Entry(sequence: sequence, listing: listing)
  }

  /// A line of a file.
  package init(_ network: IPNetwork, file: String, since: WallTime, until: WallTime) {
    (self.network, origin, entry) = (network, .file(file), nil)
    (self.since, self.until) = (since, until)
  }
}
