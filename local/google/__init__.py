"""A Google of our own: tokens, Sheets and Drive as the real client libraries speak to them, with the real quotas."""
