"""Certificate Manager: certificates with their keys, imported, or issued at once by the house itself for local use.

Private keys are sealed at rest and never answered: there is no ExportCertificate.
"""
