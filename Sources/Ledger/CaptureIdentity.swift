import Cleaning
import Projection

extension Capture {
    /// Whether two captures are the same: object, service, dataset, account, `observed` where that rests on a declaration or a name, and
    /// what both names say of the rows. Equality has no direction; ``saysMore(than:under:)`` tells which of two equal ones is the better.
    ///
    /// `contract` is nil when the dataset's contract is gone: then bytes and account decide.
    func isEqual(_ other: Capture, under contract: Contract?) -> Bool {
        guard object == other.object, stream == other.stream, account == other.account else { return false }
        for field in contract?.nameFields ?? [] {
            if let mine = fields[field], let theirs = other.fields[field], mine != theirs { return false }
        }
        func rests(_ capture: Capture) -> Bool { ["header", "name", "declared"].contains(capture.observedFrom) }
        if (contract?.merge ?? .append) == .append || !(rests(self) && rests(other)) { return true }
        return observed == other.observed
    }

    /// Whether the name of this capture says something of the rows that the other's does not.
    func saysMore(than other: Capture, under contract: Contract) -> Bool {
        contract.rowFields.contains { fields[$0] != nil && other.fields[$0] == nil }
    }

    /// Whether cleaning would see the same evidence.
    func hasSameEvidence(_ other: Capture) -> Bool { facts == other.facts }
}
