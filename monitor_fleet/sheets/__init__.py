"""The Google Sheets monitor: one read a poll, within Google's quota, for every source on a spreadsheet at once."""
